package servicebus_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"crosswalk/local/servicebus"
	"crosswalk/local/servicebus/broker"
)

// The benchmarks go through the Go SDK and a socket, so both sides' work is in the numbers. One operation is one message.

// bench is a broker with a queue "q" and a client.
type bench struct {
	*testing.B
	*servicebus.Server
	client *azservicebus.Client
	ctx    context.Context
}

func newBench(b *testing.B, dir string) *bench {
	b.Helper()
	s, err := servicebus.Start(servicebus.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	if err := s.Broker().CreateQueue("q", broker.QueueProperties{}); err != nil {
		b.Fatal(err)
	}
	client, err := azservicebus.NewClientFromConnectionString(s.ConnectionString(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.Close(context.Background()) })
	return &bench{b, s, client, context.Background()}
}

// each runs f once per message on so many links at a time, n messages per call.
func (b *bench) each(links, n int, f func(link int) error) {
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for link := range links {
		wg.Go(func() {
			for left.Add(-int64(n)) > -int64(n) {
				if err := f(link); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// sizes, links and folders that are measured.
func matrix(b *testing.B, f func(b *bench, links, size int)) {
	for _, disk := range []bool{false, true} {
		for _, links := range []int{1, 16} {
			for _, size := range []int{1 << 10, 200 << 10} {
				b.Run(fmt.Sprintf("disk=%t/links=%d/size=%dKB", disk, links, size>>10), func(b *testing.B) {
					dir := ""
					if disk {
						dir = b.TempDir()
					}
					s := newBench(b, dir)
					b.SetBytes(int64(size))
					f(s, links, size)
				})
			}
		}
	}
}

// BenchmarkSend sends messages one at a time per link.
func BenchmarkSend(b *testing.B) {
	matrix(b, func(b *bench, links, size int) {
		body := make([]byte, size)
		senders := b.senders(links)
		b.ResetTimer()
		b.each(links, 1, func(link int) error {
			return senders[link].SendMessage(b.ctx, &azservicebus.Message{Body: body}, nil)
		})
	})
}

// BenchmarkSendBatch sends 100 messages of 1 KB at a time.
func BenchmarkSendBatch(b *testing.B) {
	matrix(b, func(b *bench, links, size int) {
		if size > 1<<10 {
			b.Skip("a batch holds no more than one such message")
		}
		body := make([]byte, size)
		senders := b.senders(links)
		b.ResetTimer()
		b.each(links, 100, func(link int) error {
			batch, err := senders[link].NewMessageBatch(b.ctx, nil)
			if err != nil {
				return err
			}
			for range 100 {
				if err := batch.AddMessage(&azservicebus.Message{Body: body}, nil); err != nil {
					return err
				}
			}
			return senders[link].SendMessageBatch(b.ctx, batch, nil)
		})
	})
}

func (b *bench) senders(n int) []*azservicebus.Sender {
	b.Helper()
	out := make([]*azservicebus.Sender, n)
	for i := range out {
		var err error
		if out[i], err = b.client.NewSender("q", nil); err != nil {
			b.Fatal(err)
		}
		// The link is made by the first use.
		if _, err := out[i].NewMessageBatch(b.ctx, nil); err != nil {
			b.Fatal(err)
		}
	}
	return out
}

// BenchmarkReceive receives and completes messages, one at a time per link.
func BenchmarkReceive(b *testing.B) { receiving(b, 1) }

// BenchmarkReceiveBatch receives 100 at a time and completes them at once.
func BenchmarkReceiveBatch(b *testing.B) { receiving(b, 100) }

func receiving(b *testing.B, n int) {
	matrix(b, func(b *bench, links, size int) {
		body := make([]byte, size)
		for range b.N + links*n {
			if err := b.Broker().Send("q", &broker.Message{Body: dataSection(body), Size: size}); err != nil {
				b.Fatal(err)
			}
		}
		if err := b.Sync(); err != nil {
			b.Fatal(err)
		}
		receivers := make([]*azservicebus.Receiver, links)
		for i := range receivers {
			var err error
			if receivers[i], err = b.client.NewReceiverForQueue("q", nil); err != nil {
				b.Fatal(err)
			}
			if _, err := receivers[i].PeekMessages(b.ctx, 1, nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ResetTimer()
		b.each(links, n, func(link int) error {
			msgs, err := receivers[link].ReceiveMessages(b.ctx, n, nil)
			if err != nil {
				return err
			}
			var wg sync.WaitGroup
			for _, m := range msgs {
				wg.Go(func() {
					if err := receivers[link].CompleteMessage(b.ctx, m, nil); err != nil {
						b.Error(err)
					}
				})
			}
			wg.Wait()
			return nil
		})
	})
}

// dataSection encodes a body as AMQP does: one data section.
func dataSection(b []byte) []byte {
	head := []byte{0x00, 0x53, 0x75, 0xb0, byte(len(b) >> 24), byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}
	return append(head, b...)
}

// BenchmarkMemory tells the bytes that a stored message of 1 KB takes beside its own; a million take as many megabytes.
func BenchmarkMemory(b *testing.B) {
	for _, disk := range []bool{false, true} {
		b.Run(fmt.Sprint("disk=", disk), func(b *testing.B) {
			const stored = 100_000
			for range b.N {
				dir := ""
				if disk {
					dir = b.TempDir()
				}
				s := newBench(b, dir)
				before := heap()
				sender := s.senders(1)[0]
				for range stored / 200 {
					batch, err := sender.NewMessageBatch(s.ctx, nil)
					if err != nil {
						b.Fatal(err)
					}
					for range 200 {
						if err := batch.AddMessage(&azservicebus.Message{Body: make([]byte, 1024)}, nil); err != nil {
							b.Fatal(err)
						}
					}
					if err := sender.SendMessageBatch(s.ctx, batch, nil); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(heap()-before)/stored-1024, "B/stored")
				runtime.KeepAlive(s)
			}
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
