"""Many players at the same time: each a whole client, in batches that Dask spreads over processes.

Glossary:
    fleet        all players of one case, who play it at the same time
    batch        players of one fleet in one event loop, in a process of their own, which one task
                 of Dask starts
    place        a worker of Dask, which runs one batch
    placed       the batch is on its place and waits for the others
    modelled     media without real pictures: HTTP, ICE, DTLS, SRTP and RTP are real, but the
                 emulator sends black pictures of 64x64 and no sound, the client stops decoding
                 after the first key frame, and there is no input module
    figure       a measurement of each player, such as the time until the game is live

Read in this order: `messages` (from a batch to the run), `players` (a batch), `batch_process` (its
process), `batch` (its task), `cluster` (Dask), `run` (a fleet), `figures`.
"""
