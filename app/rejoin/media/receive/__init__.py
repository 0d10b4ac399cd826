"""What to do with received RTP packets, as pure code: packets and times in, actions out.

There is no clock, thread, socket, task or codec in here; `now` is always a parameter, in seconds of
boot time. `rejoin.rtc.receiver` parses packets, calls this package and carries the actions out.

Glossary
    sequence number  16 bits in each packet; `JitterBuffer` extends it so that it never wraps
    marker bit       set in the last packet of a video frame
    missing          a sequence number below the highest received whose packet is not there (yet)
    recovered        a packet that arrived after a NACK had asked for it
    given up         a missing packet whose deadline has passed; its frame is dropped
    unanswered       a NACK whose packet was given up; after many in a row NACK counts as ignored
    reordered        arrived after a packet with a higher number, but in time
    SSRC             the number of one RTP stream; another SSRC means another stream
    media time       the RTP timestamp: 90 kHz for video, 48 kHz for sound
    NAL unit         one piece of an H.264 stream: a slice, a parameter set, SEI (7.3.1)
    SPS, PPS         sequence and picture parameter sets: the decoder's settings
    recovery point   a picture from which on decoding becomes whole, some pictures later (D.1.8)

Read these files in this order:
    rtp                 the bytes of a packet to an `RtpPacket`
    inbound_video       one video stream: packets to `Decode`, `Nack`, `Pli` and `Remb`
    jitter_buffer       packets in any order to whole frames in order; when to send NACKs
    h264                the payloads of one frame to NAL units (RFC 6184)
    access_units        NAL units to access units for the decoder: key frames, reordering
    h264_units          reads slices, SEI and PPS
    h264_parameters     reads an SPS, and judges whether it can be decoded here
    h264_bits           the bits under those
    sources             which sources were received, which said BYE, and which one plays
    receive_statistics  loss, jitter and report blocks (RFC 3550)
    bandwidth           how much the path carries, estimated from delay
    transport_feedback  when each numbered packet arrived, as RTCP for the host's own estimate
    audio_reorder       sound packets in order
    lip_sync            how much longer sound has to wait for its picture
"""
