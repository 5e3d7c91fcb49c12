package main

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strconv"

	"github.com/gorilla/websocket"
)

// Ports of one pod, at the node's agent.
type forwarding struct {
	agent  agent
	target url.URL
}

// PortForward copies both ways until the pod or the client ends the connection. At the agent a connection is a WebSocket
// of its own: channel 0 carries the bytes, channel 1 an error; each begins with a message that names the port.
func (f *forwarding) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	target := f.target
	target.RawQuery = url.Values{"port": {strconv.Itoa(int(port))}}.Encode()
	socket, err := f.agent.dial(ctx, target.String(), "v4.channel.k8s.io")
	if err != nil {
		return err
	}
	defer socket.Close()
	go func() {
		sender := &sender{socket: socket}
		sender.feed(stream)
	}()
	begun := map[byte]bool{}
	for {
		kind, message, err := socket.ReadMessage()
		if err != nil {
			if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
				return nil
			}
			return err
		}
		if kind != websocket.BinaryMessage || len(message) == 0 {
			continue
		}
		channel, bytes := message[0], message[1:]
		switch {
		case !begun[channel]:
			begun[channel] = true
		case channel == 1:
			return errors.New(string(bytes))
		default:
			if _, err := stream.Write(bytes); err != nil {
				return nil
			}
		}
	}
}
