package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/utils/exec"
)

const (
	idleTimeout     = 4 * time.Hour
	creationTimeout = 30 * time.Second
)

// The channels of v5.channel.k8s.io: the first byte of every message.
const (
	channelStdin  = 0
	channelStdout = 1
	channelStderr = 2
	channelStatus = 3
	channelClose  = 255
)

// One command in a container, at the node's agent.
type execution struct {
	agent agent
	url   string
}

// ExecInContainer copies until the agent tells how the command ended.
func (e *execution) ExecInContainer(ctx context.Context, _, _, _ string, _ []string, in io.Reader, out, errs io.WriteCloser, _ bool,
	_ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	dialer := websocket.Dialer{Subprotocols: []string{"v5.channel.k8s.io"}}
	socket, refused, err := dialer.DialContext(ctx, e.url, e.agent.header())
	if err != nil {
		if refused != nil {
			reason, _ := io.ReadAll(io.LimitReader(refused.Body, 4096))
			return fmt.Errorf("the node answers %s: %s", refused.Status, reason)
		}
		return err
	}
	defer socket.Close()
	if in != nil {
		go feed(socket, in)
	}
	for {
		kind, message, err := socket.ReadMessage()
		if err != nil {
			return fmt.Errorf("the node went before the command ended: %w", err)
		}
		if kind != websocket.BinaryMessage || len(message) == 0 {
			continue
		}
		switch bytes := message[1:]; message[0] {
		case channelStdout:
			write(out, bytes)
		case channelStderr:
			write(errs, bytes)
		case channelStatus:
			return outcome(bytes)
		}
	}
}

// Nobody may listen, and the command's end matters all the same.
func write(to io.Writer, bytes []byte) {
	if to != nil {
		_, _ = to.Write(bytes)
	}
}

// Nobody else writes to the socket.
func feed(socket *websocket.Conn, in io.Reader) {
	send := func(message []byte) error { return socket.WriteMessage(websocket.BinaryMessage, message) }
	buffer := make([]byte, 1+16*1024)
	buffer[0] = channelStdin
	for {
		length, err := in.Read(buffer[1:])
		if length > 0 && send(buffer[:1+length]) != nil {
			return
		}
		if err != nil {
			_ = send([]byte{channelClose, channelStdin})
			return
		}
	}
}

func outcome(text []byte) error {
	var status meta.Status
	if err := json.Unmarshal(text, &status); err != nil {
		return fmt.Errorf("the node's last words are not a Status: %w", err)
	}
	if status.Status == meta.StatusSuccess {
		return nil
	}
	if status.Details != nil {
		for _, cause := range status.Details.Causes {
			if cause.Type == "ExitCode" {
				if code, err := strconv.Atoi(cause.Message); err == nil {
					return exec.CodeExitError{Err: errors.New("exit status " + cause.Message), Code: code}
				}
			}
		}
	}
	return errors.New(status.Message)
}
