package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
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
	channelResize = 4
	channelClose  = 255
)

// One command in a container, or what the container itself writes, at the node's agent.
type execution struct {
	agent agent
	url   string
}

// ExecInContainer copies until the agent tells how the command ended.
func (e *execution) ExecInContainer(ctx context.Context, _, _, _ string, _ []string, in io.Reader, out, errs io.WriteCloser, _ bool,
	sizes <-chan remotecommand.TerminalSize, _ time.Duration) error {
	socket, err := e.agent.dial(ctx, e.url, "v5.channel.k8s.io")
	if err != nil {
		return err
	}
	defer socket.Close()
	sender := &sender{socket: socket}
	if in != nil {
		go sender.feed(in)
	}
	go sender.resize(sizes)
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

// AttachContainer copies what the container writes until it ends.
func (e *execution) AttachContainer(ctx context.Context, name, uid, container string, in io.Reader, out, errs io.WriteCloser, tty bool,
	sizes <-chan remotecommand.TerminalSize) error {
	return e.ExecInContainer(ctx, name, uid, container, nil, in, out, errs, tty, sizes, 0)
}

// Nobody may listen, and the command's end matters all the same.
func write(to io.Writer, bytes []byte) {
	if to != nil {
		_, _ = to.Write(bytes)
	}
}

// Messages to the agent; a socket takes one at a time.
type sender struct {
	socket *websocket.Conn
	lock   sync.Mutex
}

func (s *sender) send(message []byte) error {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.socket.WriteMessage(websocket.BinaryMessage, message)
}

func (s *sender) feed(in io.Reader) {
	buffer := make([]byte, 1+16*1024)
	buffer[0] = channelStdin
	for {
		length, err := in.Read(buffer[1:])
		if length > 0 && s.send(buffer[:1+length]) != nil {
			return
		}
		if err != nil {
			_ = s.send([]byte{channelClose, channelStdin})
			return
		}
	}
}

// Ends with the channel, which a command without a terminal does not have.
func (s *sender) resize(sizes <-chan remotecommand.TerminalSize) {
	if sizes == nil {
		return
	}
	for size := range sizes {
		text, err := json.Marshal(size)
		if err != nil || s.send(append([]byte{channelResize}, text...)) != nil {
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
