package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"crosswalk/local/servicebus/amqp/wire"
)

// handshakeTime is how long a peer has to get through SASL and open; hurriedTime, once the server is closing.
const (
	handshakeTime = 30 * time.Second
	hurriedTime   = 200 * time.Millisecond
)

// handshake reads the protocol headers, goes through SASL where the peer wants it, and exchanges open frames. Nothing
// is written before the peer's own header: some clients dead-lock on a server that speaks first.
func (c *Conn) handshake() error {
	header, err := c.header()
	if err != nil {
		return err
	}
	if header == wire.HeaderSASL {
		if err := c.sasl(); err != nil {
			return err
		}
		if header, err = c.header(); err != nil {
			return err
		}
	} else if err := c.authenticate("ANONYMOUS", nil); err != nil {
		return err
	}
	if header != wire.HeaderAMQP {
		return errors.New("the AMQP header doesn't follow the SASL layer")
	}
	return c.open()
}

// header reads a protocol header and answers it; one that isn't supported is answered with the one that is.
func (c *Conn) header() (string, error) {
	var b [8]byte
	if _, err := io.ReadFull(c.in, b[:]); err != nil {
		return "", err
	}
	h := string(b[:])
	if h != wire.HeaderAMQP && h != wire.HeaderSASL {
		io.WriteString(c.nc, wire.HeaderSASL)
		return "", errors.New("the peer speaks no AMQP 1.0")
	}
	_, err := io.WriteString(c.nc, h)
	return h, err
}

func (c *Conn) authenticate(mechanism string, response []byte) error {
	c.mechanism, c.response = mechanism, bytes.Clone(response)
	if c.s.o.Authenticate == nil {
		return nil
	}
	return c.s.o.Authenticate(mechanism, response)
}

func (c *Conn) sasl() error {
	if err := c.writeFrame(wire.FrameSASL, &wire.SASLMechanisms{Mechanisms: Mechanisms}); err != nil {
		return err
	}
	p, err := c.readPerformative(wire.FrameSASL)
	if err != nil {
		return err
	}
	init, ok := p.(*wire.SASLInit)
	if !ok {
		return fmt.Errorf("%T instead of sasl-init", p)
	}
	failed := errors.New("unknown SASL mechanism")
	if slices.Contains(Mechanisms, init.Mechanism) {
		failed = c.authenticate(string(init.Mechanism), init.InitialResponse)
	}
	outcome := &wire.SASLOutcome{}
	if failed != nil {
		outcome.Code = 1
	}
	if err := c.writeFrame(wire.FrameSASL, outcome); err != nil {
		return err
	}
	return failed
}

func (c *Conn) open() error {
	p, err := c.readPerformative(wire.FrameAMQP)
	if err != nil {
		return err
	}
	open, ok := p.(*wire.Open)
	if !ok {
		return fmt.Errorf("%T instead of open", p)
	}
	c.peerMaxFrame = max(open.MaxFrameSize, wire.MinMaxFrameSize)
	if open.IdleTimeOut != nil && *open.IdleTimeOut > 0 {
		c.heartbeat = min(max(time.Duration(*open.IdleTimeOut)*time.Millisecond/2, 50*time.Millisecond), 10*time.Second)
	}
	c.peer = open
	idle := uint32(min(c.s.o.IdleTimeOut.Milliseconds(), math.MaxUint32))
	return c.writeFrame(wire.FrameAMQP, &wire.Open{
		ContainerID:  c.s.o.ContainerID,
		MaxFrameSize: c.s.o.MaxFrameSize,
		ChannelMax:   uint16(min(c.s.o.MaxSessions-1, math.MaxUint16)),
		IdleTimeOut:  &idle,
	})
}

// readPerformative reads the next frame that isn't empty, before the connection's own loops run.
func (c *Conn) readPerformative(frameType uint8) (wire.Performative, error) {
	for {
		var f wire.Frame
		var err error
		if f, c.frame, err = wire.ReadFrame(c.in, c.s.o.MaxFrameSize, c.frame); err != nil {
			return nil, err
		}
		if f.Type != frameType {
			return nil, fmt.Errorf("a frame of type %d instead of %d", f.Type, frameType)
		}
		if len(f.Body) > 0 {
			p, _, err := wire.ParsePerformative(f.Body)
			return p, err
		}
	}
}

// writeFrame writes one frame straight to the socket, before the connection's own loops run.
func (c *Conn) writeFrame(frameType uint8, p wire.Performative) error {
	b, err := wire.AppendFrame(nil, frameType, 0, p, nil)
	if err != nil {
		return err
	}
	_, err = c.nc.Write(b)
	return err
}
