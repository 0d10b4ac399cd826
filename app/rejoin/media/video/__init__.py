"""Encoded frames become pictures: decoding on a thread, one slot to the window, scaling.

Glossary
    picture        a decoded frame with its times; `Picture`
    slot           holds the newest picture until the window takes it; older ones are dropped
    view hints     the window as the decoder knows it: its size, and whether it is visible
    prescaled      scaled on the decoder's thread to the size of the window
    gate           keeps a connection's pictures out of the slot until that connection is shown
    undecoded      encoded frames dropped because the decoder was too slow
    pacing         showing pictures at even intervals, at the cost of up to one frame of latency
    swscale        FFmpeg's library for colours and scaling; BGRA is the format of the screen

Read these files in this order:
    decoder         the thread; `decode_queue` before it, `codec` in it, `picture_gate` after it
    codec_context   how FFmpeg's decoder is opened, in software or on hardware
    hardware        the hardware decoder that works here, found by `hardware_probe` processes
                    (`probing`)
    picture         `Picture`, `PictureSlot`, `ViewHints`, `PaintTelemetry`
    scaling         colours and sizes, through `swscale` (no copy) or PyAV; by a `scale_filter`
    planes          the same picture as plain memory, for a graphics card
    colour_bands    a picture for the probe of such a card
    frame_pacer     when to show a picture
    scene           whether two pictures show the same scene
    unwatched       whether to decode while nobody sees the picture
    freezes         W3C's freezeCount
    kept_units      access units around drops, for testers; `mp4` makes a file of them
The next step is `rejoin.gui.video_view`, which takes pictures from the slot; a surface
paints them (`rejoin.gui.video_surface`).
"""
