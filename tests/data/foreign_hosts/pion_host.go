// A stream host of Pion, a WebRTC stack in Go: built by `go build` from Debian's packages, run with CLIP,
// or with CLIPS START_BPS: then Pion's congestion control (GCC), which reads transport-wide feedback alone,
// begins at this bitrate, paces the packets, and decides which of the clips is sent.
//
// CLIPS is a list of [bit/s, clip], the lowest bitrate first. Their pictures are key frames, so that each can be of
// the clip that the target allows then. With ED25519=1 in its environment the host is DTLS server
// and has a certificate with such a key.
// Nothing of Rejoin is imported: this is a stack that others wrote. One process is one connection.
// The protocol on standard input and output is that of werift_host.mjs.
package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/cc"
	"github.com/pion/interceptor/pkg/gcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc"
)

const picturesPerS = 30

type rendition struct {
	bps      int
	pictures [][]string
}

func (r *rendition) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]interface{}{&r.bps, &r.pictures})
}

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

// api begins congestion control at startBps, or has none if it is 0.
func api(startBps int, estimators chan cc.BandwidthEstimator) *webrtc.API {
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
	if startBps > 0 {
		control, err := cc.NewInterceptor(func() (cc.BandwidthEstimator, error) {
			return gcc.NewSendSideBWE(gcc.SendSideBWEInitialBitrate(startBps))
		})
		must(err)
		control.OnNewPeerConnection(func(_ string, estimator cc.BandwidthEstimator) { estimators <- estimator })
		registry.Add(control)
		media.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, webrtc.RTPCodecTypeVideo)
		media.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, webrtc.RTPCodecTypeAudio)
	}
	must(webrtc.ConfigureTWCCHeaderExtensionSender(media, registry))
	must(webrtc.RegisterDefaultInterceptors(media, registry))
	settings := webrtc.SettingEngine{}
	if ed25519Wanted() {
		must(settings.SetAnsweringDTLSRole(webrtc.DTLSRoleServer))
	}
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	return webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry), webrtc.WithSettingEngine(settings))
}

func ed25519Wanted() bool { return os.Getenv("ED25519") == "1" }

func configuration() webrtc.Configuration {
	if !ed25519Wanted() {
		return webrtc.Configuration{}
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	data, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(err)
	certificate, err := x509.ParseCertificate(data)
	must(err)
	return webrtc.Configuration{Certificates: []webrtc.Certificate{webrtc.CertificateFromX509(key, certificate)}}
}

func main() {
	clips, startBps := make([]rendition, 1), 0
	text, err := os.ReadFile(os.Args[1])
	must(err)
	if len(os.Args) > 2 {
		startBps, err = strconv.Atoi(os.Args[2])
		must(err)
		must(json.Unmarshal(text, &clips))
	} else {
		must(json.Unmarshal(text, &clips[0].pictures))
	}
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

	estimators := make(chan cc.BandwidthEstimator, 1)
	peer, err := api(startBps, estimators).NewPeerConnection(configuration())
	must(err)
	target := func() int { return 0 }
	if startBps > 0 {
		target = (<-estimators).GetTargetBitrate
	}
	pictures, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90000}, "video", "game")
	must(err)
	sound, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "game")
	must(err)
	sender, err := peer.AddTrack(pictures)
	must(err)
	soundSender, err := peer.AddTrack(sound)
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
	var keyWanted atomic.Bool
	readRTCP := func(sender *webrtc.RTPSender) {
		for {
			packets, _, err := sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, packet := range packets {
				if _, ok := packet.(*rtcp.PictureLossIndication); ok {
					keyWanted.Store(true)
				}
			}
		}
	}
	go readRTCP(sender)
	go readRTCP(soundSender) // feedback for the whole transport may name either source
	playing := false
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected && !playing {
			playing = true
			say(map[string]interface{}{"connected": true})
			go sendSound(sound)
			go sendPictures(pictures, clips, target, &keyWanted)
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

// sendPictures also says the target twice a second, where there is one.
func sendPictures(track *webrtc.TrackLocalStaticRTP, clips []rendition, target func() int, keyWanted *atomic.Bool) {
	sequence, timestamp := uint16(1000), uint32(90000)
	at := 0
	ticks := time.NewTicker(time.Second / picturesPerS)
	for count := 0; ; count++ {
		targetBps := target()
		best := 0
		for best+1 < len(clips) && clips[best+1].bps <= targetBps {
			best++
		}
		if keyWanted.Swap(false) {
			at = 0
		}
		if targetBps > 0 && count%(picturesPerS/2) == 0 {
			say(map[string]interface{}{"target_bps": targetBps, "sent_bps": clips[best].bps})
		}
		pictures := clips[best].pictures
		timestamp += 90000 / picturesPerS
		for index, payload := range pictures[at] {
			sequence++
			data, _ := base64.StdEncoding.DecodeString(payload)
			header := rtp.Header{Version: 2, SequenceNumber: sequence, Timestamp: timestamp, Marker: index == len(pictures[at])-1}
			_ = track.WriteRTP(&rtp.Packet{Header: header, Payload: data})
		}
		at = (at + 1) % len(pictures)
		<-ticks.C
	}
}
