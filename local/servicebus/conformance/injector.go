package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/front"
)

// delayTransfers is the word by which a test starts a fault injector: a program of its own with the SDK's makers, whose
// part this one plays. It passes AMQP on and holds back each message to the client after the first few.
const delayTransfers = "transfer_delay"

// injector passes connections on to a broker.
type injector struct {
	host  string
	after int
	delay time.Duration
}

// inject plays the fault injector until it's killed. The flags are those that the tests give:
//
//	transfer_delay --after N --delay D --cert DIR --logs DIR --address-file FILE --host HOST
func inject(ctx context.Context, args []string) error {
	var in injector
	flags := flag.NewFlagSet(delayTransfers, flag.ContinueOnError)
	flags.IntVar(&in.after, "after", 0, "how many messages aren't delayed")
	flags.DurationVar(&in.delay, "delay", 0, "how long the others are, each")
	flags.StringVar(&in.host, "host", "", "where the broker is")
	file := flags.String("address-file", "", "where to write the address")
	flags.String("cert", "", "unused")
	flags.String("logs", "", "unused")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	certificate, err := front.SelfSigned(l.Addr().(*net.TCPAddr).Port)
	if err != nil {
		return err
	}
	secure := tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12})
	// Whole at once: the test reads it as soon as it's there.
	if err := os.WriteFile(*file+".new", []byte(l.Addr().String()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(*file+".new", *file); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go endWithParent(ctx, stop)
	context.AfterFunc(ctx, func() { l.Close() })
	for {
		client, err := secure.Accept()
		if err != nil {
			return nil // closed
		}
		go in.pass(ctx, client)
	}
}

// endWithParent stops when the test that started us is gone, which kills us only where it ends in good order.
func endWithParent(ctx context.Context, stop func()) {
	parent, tick := os.Getppid(), time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if os.Getppid() != parent {
				stop()
			}
		case <-ctx.Done():
			return
		}
	}
}

// pass passes one connection on, both ways.
func (in *injector) pass(ctx context.Context, client net.Conn) {
	defer client.Close()
	roots := x509.NewCertPool()
	if pem, err := os.ReadFile(os.Getenv("SSL_CERT_FILE")); err != nil || !roots.AppendCertsFromPEM(pem) {
		return
	}
	server, err := tls.Dial("tcp", in.host, &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12})
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		_, _ = io.Copy(server, client)
	}()
	_ = in.frames(ctx, client, server) // ends with either side
}

// frames passes on what the broker sends, frame by frame.
func (in *injector) frames(ctx context.Context, client io.Writer, server io.Reader) error {
	r := bufio.NewReader(server)
	sent := 0
	entities := map[[2]uint32]bool{} // channel and handle of the links that messages come from
	var buf []byte
	for {
		if head, err := r.Peek(4); err != nil {
			return err
		} else if string(head) == "AMQP" {
			if _, err := io.CopyN(client, r, 8); err != nil {
				return err
			}
			continue
		}
		var raw strings.Builder
		f, next, err := wire.ReadFrame(io.TeeReader(r, &raw), 1<<20, buf)
		if err != nil {
			return err
		}
		buf = next
		if f.Type == wire.FrameAMQP && len(f.Body) > 0 {
			if p, _, err := wire.ParsePerformative(f.Body); err == nil && in.holds(entities, f.Channel, p, &sent) {
				select {
				case <-time.After(in.delay):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		if _, err := io.WriteString(client, raw.String()); err != nil {
			return err
		}
	}
}

// holds says whether a frame is to be held back: one that begins a message from an entity, after the first few.
func (in *injector) holds(entities map[[2]uint32]bool, channel uint16, p wire.Performative, sent *int) bool {
	switch p := p.(type) {
	case *wire.Attach:
		from := p.Source != nil && p.Source.Address != nil
		entities[[2]uint32{uint32(channel), p.Handle}] = from && p.Role == wire.RoleSender && !strings.Contains(*p.Source.Address, "$")
	case *wire.Transfer:
		if entities[[2]uint32{uint32(channel), p.Handle}] {
			*sent++
			return *sent > in.after
		}
	}
	return false
}
