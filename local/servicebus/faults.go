package servicebus

import (
	"crosswalk/local/servicebus/chaos"
	"crosswalk/local/servicebus/sbwire"
)

// Faults are the ways to make a broker misbehave: those of [chaos.Control], and taking rights away.
type Faults struct {
	*chaos.Control
	wire *sbwire.Service
}

// RevokeSend takes the right to send away, or gives it back. Links that send are detached with
// amqp:unauthorized-access; new ones, and requests to schedule, are refused. Receivers go on, and so does settling.
// A sender of the Go SDK that was detached stays broken after the right is back, as it does with the real service: its
// owner makes a new one.
func (f *Faults) RevokeSend(on bool) { f.wire.RevokeSend(on) }

// RevokeSendOf is RevokeSend for the clients of one key, by its name; [Options].Keys give them.
func (f *Faults) RevokeSendOf(key string, on bool) { f.wire.RevokeSendOf(key, on) }
