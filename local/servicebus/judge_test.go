package servicebus_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"sync"
	"testing"
	"time"

	"crosswalk/local/servicebus/amqp/wire"
)

// judge looks at the broker's half of connections: at what a client may rely on, or is known to panic on.
type judge struct {
	mu     sync.Mutex
	frames int
	faults []string
}

// verdict fails a test for what was wrong.
func (j *judge) verdict(t testing.TB) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, fault := range j.faults {
		t.Error("the broker sent: " + fault)
	}
}

func (j *judge) blame(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

// judged is one client's connection.
type judged struct {
	net.Conn
	j *judge

	wmu  sync.Mutex // of what the client sends
	sent bytes.Buffer
	open *wire.Open // of the client

	got      bytes.Buffer // of what the broker sends
	channels map[uint16]map[uint32]string
	partial  map[[2]uint32][]byte
}

func (j *judge) watch(c net.Conn) net.Conn {
	return &judged{Conn: c, j: j, channels: map[uint16]map[uint32]string{}, partial: map[[2]uint32][]byte{}}
}

// Write notes what the client says of itself.
func (c *judged) Write(b []byte) (int, error) {
	c.wmu.Lock()
	if c.open == nil {
		c.sent.Write(b)
		each(&c.sent, math.MaxInt32, func(f wire.Frame, _ int) error {
			p, _, err := wire.ParsePerformative(f.Body)
			if open, is := p.(*wire.Open); is {
				c.open = open
			}
			return err
		})
	}
	c.wmu.Unlock()
	return c.Conn.Write(b)
}

// Read judges what the broker sends.
func (c *judged) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.got.Write(b[:n])
	c.wmu.Lock()
	open := c.open
	c.wmu.Unlock()
	if bad := each(&c.got, math.MaxInt32, func(f wire.Frame, size int) error { return c.frame(open, f, size) }); bad != nil {
		c.j.blame("%v", bad)
	}
	return n, err
}

// each takes whole headers and frames from a buffer.
func each(from *bytes.Buffer, limit uint32, f func(f wire.Frame, size int) error) error {
	for {
		rest := from.Bytes()
		if bytes.HasPrefix(rest, []byte("AMQP")) && len(rest) >= len(wire.HeaderAMQP) {
			from.Next(len(wire.HeaderAMQP))
			continue
		}
		in := bytes.NewReader(rest)
		frame, _, err := wire.ReadFrame(in, limit, nil)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil // the rest is on its way
		}
		size := len(rest) - in.Len()
		if err == nil {
			err = f(frame, size)
		}
		if err != nil {
			from.Reset()
			return err
		}
		from.Next(size)
	}
}

// frame judges one frame of the broker.
func (c *judged) frame(open *wire.Open, f wire.Frame, size int) error {
	c.j.mu.Lock()
	c.j.frames++
	c.j.mu.Unlock()
	if len(f.Body) == 0 || f.Type == wire.FrameSASL {
		return nil
	}
	p, payload, err := wire.ParsePerformative(f.Body)
	if err != nil {
		return err
	}
	if _, is := p.(*wire.Close); open == nil && !is {
		return fmt.Errorf("%T before the client's open", p)
	}
	if open != nil && (uint32(size) > open.MaxFrameSize || f.Channel > open.ChannelMax) {
		return fmt.Errorf("%T of %d bytes on channel %d; the client allows %d and %d", p, size, f.Channel, open.MaxFrameSize, open.ChannelMax)
	}
	return c.performative(f.Channel, p, payload)
}

// performative wants sessions and links to have begun before they're used, and not to have ended.
func (c *judged) performative(channel uint16, p wire.Performative, payload []byte) error {
	links, begun := c.channels[channel]
	switch p := p.(type) {
	case *wire.Open, *wire.Close:
		return nil
	case *wire.Begin:
		if begun {
			return fmt.Errorf("begin on channel %d, which is in use", channel)
		}
		c.channels[channel] = map[uint32]string{}
		return nil
	case *wire.End:
		delete(c.channels, channel)
	case *wire.Attach:
		if name, taken := links[p.Handle]; taken {
			return fmt.Errorf("attach of %s on handle %d, which is %s", p.Name, p.Handle, name)
		}
		if begun {
			links[p.Handle] = p.Name
		}
	case *wire.Detach:
		if _, attached := links[p.Handle]; !attached {
			return fmt.Errorf("detach of handle %d, which isn't attached", p.Handle)
		}
		delete(links, p.Handle)
		delete(c.partial, [2]uint32{uint32(channel), p.Handle})
	case *wire.Transfer:
		if _, attached := links[p.Handle]; !attached {
			return fmt.Errorf("transfer on handle %d, which isn't attached", p.Handle)
		}
		return c.transfer([2]uint32{uint32(channel), p.Handle}, p, payload)
	}
	if !begun {
		return fmt.Errorf("%T on channel %d, where no session is", p, channel)
	}
	return nil
}

func (c *judged) transfer(link [2]uint32, p *wire.Transfer, payload []byte) error {
	whole, going := c.partial[link]
	if !going && (p.DeliveryID == nil || len(p.DeliveryTag) == 0 || len(p.DeliveryTag) > 32 || p.MessageFormat == nil) {
		return fmt.Errorf("a first transfer without delivery id, tag or format: %+v", p)
	}
	whole = append(whole, payload...)
	if p.More {
		c.partial[link] = whole
		return nil
	}
	delete(c.partial, link)
	return judgeMessage(whole)
}

// asserted are the types that azservicebus 1.11 asserts without a look (message.go, newReceivedMessage).
var asserted = map[string]func(any) bool{
	"x-opt-sequence-number":         is[int64],
	"x-opt-enqueue-sequence-number": is[int64],
	"x-opt-enqueued-time":           is[time.Time],
	"x-opt-locked-until":            is[time.Time],
	"x-opt-scheduled-enqueue-time":  is[time.Time],
	"x-opt-message-state":           is[int32],
	"x-opt-partition-key":           is[string],
	"x-opt-deadletter-source":       is[string],
	"DeadLetterReason":              is[string],
	"DeadLetterErrorDescription":    is[string],
}

func is[T any](v any) bool { _, ok := v.(T); return ok }

// judgeMessage looks at a message, and at those in an answer of $management.
func judgeMessage(encoded []byte) error {
	m, err := wire.ParseMessage(encoded)
	if err != nil {
		return err
	}
	for _, part := range []wire.Map{m.Annotations, m.ApplicationProperties} {
		for _, e := range part {
			key, _ := wire.Text(e.Key)
			if right := asserted[key]; right != nil && !right(e.Value) {
				return fmt.Errorf("%s of type %T", key, e.Value)
			}
		}
	}
	body, err := wire.Value(m.Body)
	if err != nil {
		return nil // no value but data
	}
	answer, _ := body.(wire.Map)
	for _, item := range wire.Items(answer.Get("messages")) {
		entry, _ := item.(wire.Map)
		inner, ok := entry.Get("message").([]byte)
		if !ok {
			return fmt.Errorf("messages holds a %T", item)
		}
		if err := judgeMessage(inner); err != nil {
			return err
		}
	}
	return nil
}
