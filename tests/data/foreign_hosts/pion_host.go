// A stream host of Pion, a WebRTC stack in Go: built by `go build` from Debian's packages, run with CLIP.
//
// Nothing of Rejoin is imported: this is a stack that others wrote. One process is one connection.
// The protocol on standard input and output is that of werift_host.mjs.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc"
)

const picturesPerS = 30

func say(what map[string]interface{}) {
	line, _ := json.Marshal(what)
	fmt.Println(string(line))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func api() *webrtc.API {
	media := &webrtc.MediaEngine{}
	feedback := []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "goog-remb"}}
	must(media.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: webrtc.MimeTypeH264, ClockRate: 90000,
			SDPFmtpLine:  "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
			RTCPFeedback: feedback,
		},
		PayloadType: 102,
	}, webrtc.RTPCodecTypeVideo))
	must(media.RegisterCodec(webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2},
		PayloadType:        111,
	}, webrtc.RTPCodecTypeAudio))
	registry := &interceptor.Registry{}
	must(webrtc.RegisterDefaultInterceptors(media, registry))
	must(webrtc.ConfigureTWCCHeaderExtensionSender(media, registry))
	settings := webrtc.SettingEngine{}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
}

func main() {
	var clip [][]string
	text, err := os.ReadFile(os.Args[1])
	must(err)
	must(json.Unmarshal(text, &clip))
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	line, err := input.ReadBytes('\n')
	must(err)
	var start struct {
		SDP      string `json:"sdp"`
		Greeting string `json:"greeting"`
	}
	must(json.Unmarshal(line, &start))
	greeting, err := base64.StdEncoding.DecodeString(start.Greeting)
	must(err)

	peer, err := api().NewPeerConnection(webrtc.Configuration{})
	must(err)
	pictures, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90000}, "video", "game")
	must(err)
	sound, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "game")
	must(err)
	sender, err := peer.AddTrack(pictures)
	must(err)
	_, err = peer.AddTrack(sound)
	must(err)
	peer.OnDataChannel(func(channel *webrtc.DataChannel) {
		channel.OnOpen(func() {
			if channel.Label() == "inputChannel" {
				must(channel.Send(greeting))
			}
		})
		channel.OnMessage(func(message webrtc.DataChannelMessage) {
			say(map[string]interface{}{"input": len(message.Data)})
		})
	})
	var next atomic.Value
	next.Store(0)
	go func() {
		for {
			packets, _, err := sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, packet := range packets {
				if _, ok := packet.(*rtcp.PictureLossIndication); ok {
					next.Store(0)
				}
			}
		}
	}()
	playing := false
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected && !playing {
			playing = true
			say(map[string]interface{}{"connected": true})
			go sendSound(sound)
			go sendPictures(pictures, clip, &next)
		}
	})
	must(peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: start.SDP}))
	answer, err := peer.CreateAnswer(nil)
	must(err)
	gathered := webrtc.GatheringCompletePromise(peer)
	must(peer.SetLocalDescription(answer))
	<-gathered
	say(map[string]interface{}{"answer": peer.LocalDescription().SDP})
	select {}
}

func sendSound(track *webrtc.TrackLocalStaticRTP) {
	for n := uint32(0); ; n++ {
		header := rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: n * 960}
		_ = track.WriteRTP(&rtp.Packet{Header: header, Payload: []byte{0xf8, 0xff, 0xfe}})
		time.Sleep(20 * time.Millisecond)
	}
}

func sendPictures(track *webrtc.TrackLocalStaticRTP, clip [][]string, next *atomic.Value) {
	sequence, timestamp := uint16(1000), uint32(90000)
	for range time.Tick(time.Second / picturesPerS) {
		at := next.Load().(int)
		next.Store((at + 1) % len(clip))
		timestamp += 90000 / picturesPerS
		for index, payload := range clip[at] {
			sequence++
			data, _ := base64.StdEncoding.DecodeString(payload)
			header := rtp.Header{Version: 2, SequenceNumber: sequence, Timestamp: timestamp, Marker: index == len(clip[at])-1}
			_ = track.WriteRTP(&rtp.Packet{Header: header, Payload: data})
		}
	}
}
