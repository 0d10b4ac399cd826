"""Media after the connection: RTP packets become pictures on a screen and sound in a device.

Glossary
    access unit      the bytes of one encoded picture; here `EncodedFrame`
    key frame        a picture at which decoding can start: IDR, or with a recovery point
    NACK             a request to send lost packets again (RFC 4585, 6.2.1)
    RTX              the stream on which they are sent again (RFC 4588)
    PLI              a request for a key frame (RFC 4585, 6.3.1)
    REMB             the bitrate that the receiver asks the sender to stay under
    transport-cc     arrival times of all packets, from which the sender estimates its bitrate
    jitter buffer    holds packets until those before them arrived or are given up
    concealment      sound that stands in for a lost packet, guessed or from in-band FEC
    lip sync         holding sound back so that it is heard with the picture it belongs to

Packet to pixel, read in this order: `receive` (pure: no clock, thread, socket or codec), then
`video` (decoder thread), then `rejoin.gui.video_view` (painting). Sound: `receive.audio_reorder`,
then `audio`. `statistics` is the record of numbers that all of them fill;
`ffmpeg_facts` says which FFmpeg is loaded.

None of these packages knows WebRTC connections: `rejoin.rtc` feeds them packets and sends the
RTCP that they decide on.
"""
