"""Sound packets become sound: Opus is decoded, a ring buffers it, the default device plays it.

Glossary
    in-band FEC    a coarse copy of one Opus packet inside the next one (RFC 6716, 2.1.7)
    concealment    sound that stands in for a lost packet: its in-band FEC copy, or a guess
    ring           the buffer between the network's thread and the device's callback
    prefill        how much sound the ring collects before it plays
    underflow      the device asked for sound and the ring had none
    sync delay     how much longer sound stays in the ring so that it is in sync with its picture
    trimmed        sound cut out because it waited longer than it had to
    DTX            discontinuous transmission: silence is not sent (RFC 7587, 3.1.3)
    talk spurt     speech between two silences; its first packet has the marker
    dBFS           decibels below the largest possible sample
    amplitude      the factor of samples, 0..1; the volume is the number that the player sees

Read these files in this order (`rejoin.media.receive.audio_reorder` comes before them):
    opus_library    the libopus that PyAV brings
    opus            packets to 16-bit stereo samples at 48 kHz, lost packets concealed
    output          `AudioOutput`, which all outputs implement, and the silent `NullOutput`
    default_output  the system's default device, opened again when it changes
    device_output   one device: its callback, ring and volume
    sound_ring      the ring
    portaudio       the functions that we use of the `sounddevice` library
    volume          the player's choice of volume

The microphone, in this order:
    microphone      its thread: opens the device, measures, encodes, passes frames on
    device_input    one device: its callback, and the ring
    capture_ring    the ring, which takes no lock
    resampling      the sound of devices that have no 48 kHz
    framing         blocks of any size to frames of 20 ms
    opus_encoder    frames to packets, with FEC and DTX
    loudness        how loud they are
    sound_setup     reinitialises PortAudio, only while no sound plays
"""
