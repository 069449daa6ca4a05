package wire

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func ptr[T any](v T) *T { return &v }

var performativeExamples = []Performative{
	&Open{ContainerID: "c", Hostname: ptr("h"), MaxFrameSize: 65536, ChannelMax: 9, IdleTimeOut: ptr[uint32](30000), Properties: Map{{Symbol("product"), "p"}}},
	&Begin{RemoteChannel: ptr[uint16](1), NextOutgoingID: 2, IncomingWindow: 3, OutgoingWindow: 4, HandleMax: 5},
	&Attach{
		Name: "l", Handle: 1, Role: RoleReceiver, SndSettleMode: ptr(SendSettled), RcvSettleMode: ptr(ReceiveSecond),
		Source: &Source{Address: ptr("q"), Durable: 1, ExpiryPolicy: ptr[Symbol]("never"), Timeout: 5, DistributionMode: ptr[Symbol]("move"),
			Filter:         Map{{Symbol("com.microsoft:session-filter"), Described{uint64(0x137000000C), nil}}},
			DefaultOutcome: Described{uint64(descModified), List{true}}, Outcomes: []Symbol{"amqp:accepted:list"}, Capabilities: []Symbol{"queue"}},
		Target:               &Target{Address: ptr("t"), Dynamic: true, DynamicNodeProperties: Map{{Symbol("a"), "b"}}, Capabilities: []Symbol{"x", "y"}},
		InitialDeliveryCount: ptr[uint32](0), MaxMessageSize: 1 << 18, Properties: Map{{Symbol("com.microsoft:timeout"), uint32(1)}},
		OfferedCapabilities: []Symbol{"o"}, DesiredCapabilities: []Symbol{"d"},
	},
	&Attach{Name: "tx", Coordinator: true},
	&Flow{NextIncomingID: ptr[uint32](0), IncomingWindow: 1, NextOutgoingID: 2, OutgoingWindow: 3, Handle: ptr[uint32](4), DeliveryCount: ptr[uint32](5), LinkCredit: ptr[uint32](6), Available: ptr[uint32](7), Drain: true, Echo: true},
	&Transfer{Handle: 1, DeliveryID: ptr[uint32](2), DeliveryTag: []byte{3}, MessageFormat: ptr[uint32](0x80013700), Settled: true, More: true, RcvSettleMode: ptr(ReceiveFirst), State: Received{1, 2}, Resume: true, Aborted: true, Batchable: true},
	&Disposition{Role: RoleReceiver, First: 1, Last: ptr[uint32](2), Settled: true, State: Accepted{}, Batchable: true},
	&Disposition{First: 1, State: Rejected{&Error{"com.microsoft:dead-letter", "d", Map{{"DeadLetterReason", "r"}}}}},
	&Disposition{First: 1, State: Rejected{}},
	&Disposition{First: 1, State: Released{}},
	&Disposition{First: 1, State: Modified{true, true, Map{{Symbol("k"), "v"}}}},
	&Detach{Handle: 1, Closed: true, Error: &Error{Condition: NotFound}},
	&End{}, &End{&Error{Condition: WindowViolation}}, &Close{&Error{Condition: ConnectionForced, Description: "d"}},
	&SASLMechanisms{[]Symbol{"ANONYMOUS", "PLAIN"}}, &SASLInit{Mechanism: "PLAIN", InitialResponse: []byte("\x00u\x00p"), Hostname: ptr("h")},
	&SASLChallenge{[]byte{1}}, &SASLResponse{[]byte{2}}, &SASLOutcome{1},
}

func TestPerformativesSurvive(t *testing.T) {
	for _, p := range performativeExamples {
		b, err := AppendPerformative(nil, p)
		if err != nil {
			t.Errorf("%T: %v", p, err)
			continue
		}
		got, payload, err := ParsePerformative(append(b, "payload"...))
		if err != nil || string(payload) != "payload" || !reflect.DeepEqual(got, p) {
			t.Errorf("%+v came back as %+v with payload %q: %v", p, got, payload, err)
		}
		for cut := range b {
			if _, _, err := ParsePerformative(b[:cut]); err == nil {
				t.Errorf("%T: %d of %d bytes parse without error", p, cut, len(b))
			}
		}
	}
}

// Clients leave fields at the end away; rhea's open has two of ten.
func TestShortListsAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		list List
		desc uint64
		ok   bool
	}{
		"open with a name only":        {List{"c"}, descOpen, true},
		"open with nothing":            {List{}, descOpen, true},
		"open with more than there is": {append(make(List, 10), int64(1)), descOpen, true},
		"attach with nothing":          {List{}, descAttach, false},
		"attach without role":          {List{"n", uint32(1)}, descAttach, false},
		"transfer with nothing":        {List{}, descTransfer, false},
		"flow of two":                  {List{nil, uint32(1)}, descFlow, false},
		"disposition without first":    {List{true}, descDisposition, false},
		"detach of a string":           {List{"1"}, descDetach, false},
		"close with no error in it":    {List{List{}}, descClose, false},
		"end with another type in it":  {List{Described{uint64(descSource), List{}}}, descEnd, false},
		"target that is a source":      {List{"n", uint32(1), true, nil, nil, nil, Described{uint64(descSource), List{}}}, descAttach, false},
		"disposition of another world": {List{true, uint32(1), nil, nil, Described{uint64(0x34), List{[]byte("tx")}}}, descDisposition, true},
	} {
		b, err := Append(nil, Described{c.desc, c.list})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := ParsePerformative(b); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSymbolicDescriptors(t *testing.T) {
	b, err := Append(nil, Described{Symbol("amqp:end:list"), List{}})
	if err != nil {
		t.Fatal(err)
	}
	if p, _, err := ParsePerformative(b); err != nil || !reflect.DeepEqual(p, &End{}) {
		t.Errorf("%+v: %v", p, err)
	}
}

func TestFrames(t *testing.T) {
	b, err := AppendFrame(nil, FrameAMQP, 7, &End{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, _, err := ReadFrame(bytes.NewReader(b), 512, nil)
	if err != nil || f.Channel != 7 || f.Type != FrameAMQP {
		t.Errorf("%+v: %v", f, err)
	}
	extended := append([]byte{0, 0, 0, 16, 3, 0, 0, 1}, "extra in"...)
	extended[3] = 16
	if f, _, err = ReadFrame(bytes.NewReader(extended), 512, nil); err != nil || string(f.Body) != "a in" {
		t.Errorf("extended header: %q, %v", f.Body, err)
	}
	for name, b := range map[string][]byte{
		"size under the header": {0, 0, 0, 7, 2, 0, 0, 0},
		"size over the limit":   {0, 0, 2, 1, 2, 0, 0, 0},
		"size of 4 GB":          {0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0},
		"offset of one":         {0, 0, 0, 8, 1, 0, 0, 0},
		"offset over the size":  {0, 0, 0, 8, 3, 0, 0, 0},
		"type of another world": {0, 0, 0, 8, 2, 9, 0, 0},
	} {
		if _, _, err := ReadFrame(bytes.NewReader(b), 512, nil); !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzPerformative holds that parsing never panics and that what it returns can be written and read again.
func FuzzPerformative(f *testing.F) {
	for _, p := range performativeExamples {
		b, err := AppendPerformative(nil, p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, _, err := ParsePerformative(b)
		if err != nil {
			return
		}
		once, err := AppendPerformative(nil, p)
		if err != nil {
			t.Fatalf("%+v can't be written: %v", p, err)
		}
		again, _, err := ParsePerformative(once)
		if errors.Is(err, errCount) {
			return // arrays of elements without bytes grow when written
		}
		if err != nil {
			t.Fatalf("%+v can't be read again: %v", p, err)
		}
		if twice, err := AppendPerformative(nil, again); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("% x became % x (%v)", once, twice, err)
		}
	})
}
