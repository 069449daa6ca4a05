package wire

import "fmt"

// Performative is the body of a frame: one of *Open, *Begin, *Attach, *Flow, *Transfer, *Disposition, *Detach, *End,
// *Close (part 2, section 2.7) and *SASLMechanisms, *SASLInit, *SASLChallenge, *SASLResponse, *SASLOutcome (part 5).
type Performative interface {
	appendTo(dst []byte) ([]byte, error)
}

// Descriptors of the described types, all of domain 0x00000000.
const (
	descOpen        = 0x10
	descBegin       = 0x11
	descAttach      = 0x12
	descFlow        = 0x13
	descTransfer    = 0x14
	descDisposition = 0x15
	descDetach      = 0x16
	descEnd         = 0x17
	descClose       = 0x18
	descError       = 0x1d
	descReceived    = 0x23
	descAccepted    = 0x24
	descRejected    = 0x25
	descReleased    = 0x26
	descModified    = 0x27
	descSource      = 0x28
	descTarget      = 0x29
	descCoordinator = 0x30
	descMechanisms  = 0x40
	descInit        = 0x41
	descChallenge   = 0x42
	descResponse    = 0x43
	descOutcome     = 0x44
	descHeader      = 0x70
	descDelivery    = 0x71
	descMessage     = 0x72
	descProperties  = 0x73
	descApplication = 0x74
	descData        = 0x75
	descSequence    = 0x76
	descValue       = 0x77
	descFooter      = 0x78
)

// descriptorNames are the symbolic forms, which a peer may use instead of the numbers.
var descriptorNames = map[Symbol]uint64{
	"amqp:open:list": descOpen, "amqp:begin:list": descBegin, "amqp:attach:list": descAttach, "amqp:flow:list": descFlow,
	"amqp:transfer:list": descTransfer, "amqp:disposition:list": descDisposition, "amqp:detach:list": descDetach,
	"amqp:end:list": descEnd, "amqp:close:list": descClose, "amqp:error:list": descError,
	"amqp:received:list": descReceived, "amqp:accepted:list": descAccepted, "amqp:rejected:list": descRejected,
	"amqp:released:list": descReleased, "amqp:modified:list": descModified,
	"amqp:source:list": descSource, "amqp:target:list": descTarget, "amqp:coordinator:list": descCoordinator,
	"amqp:sasl-mechanisms:list": descMechanisms, "amqp:sasl-init:list": descInit, "amqp:sasl-challenge:list": descChallenge,
	"amqp:sasl-response:list": descResponse, "amqp:sasl-outcome:list": descOutcome,
	"amqp:header:list": descHeader, "amqp:delivery-annotations:map": descDelivery, "amqp:message-annotations:map": descMessage,
	"amqp:properties:list": descProperties, "amqp:application-properties:map": descApplication, "amqp:data:binary": descData,
	"amqp:amqp-sequence:list": descSequence, "amqp:amqp-value:*": descValue, "amqp:footer:map": descFooter,
}

// Role says which end of a link speaks: RoleSender (false on the wire) or RoleReceiver (true).
type Role bool

// The two roles.
const (
	RoleSender   Role = false
	RoleReceiver Role = true
)

// Settlement modes of the sender and of the receiver (part 2, sections 2.8.2 and 2.8.3).
const (
	SendUnsettled uint8 = 0
	SendSettled   uint8 = 1
	SendMixed     uint8 = 2
	ReceiveFirst  uint8 = 0
	ReceiveSecond uint8 = 1
)

// Open negotiates a connection. MaxFrameSize is in bytes; IdleTimeOut in milliseconds, nil for none.
type Open struct {
	ContainerID  string
	Hostname     *string
	MaxFrameSize uint32
	ChannelMax   uint16
	IdleTimeOut  *uint32
	Properties   Map
}

// Begin starts a session. RemoteChannel is set in an answer only.
type Begin struct {
	RemoteChannel  *uint16
	NextOutgoingID uint32
	IncomingWindow uint32
	OutgoingWindow uint32
	HandleMax      uint32
	Properties     Map
}

// Attach opens a link. A nil Source or Target is null on the wire. Coordinator marks a target that is a transaction
// coordinator. MaxMessageSize is in bytes, 0 for no limit.
type Attach struct {
	Name                 string
	Handle               uint32
	Role                 Role
	SndSettleMode        *uint8
	RcvSettleMode        *uint8
	Source               *Source
	Target               *Target
	Coordinator          bool
	InitialDeliveryCount *uint32
	MaxMessageSize       uint64
	OfferedCapabilities  []Symbol
	DesiredCapabilities  []Symbol
	Properties           Map
}

// Flow updates the windows of a session and, where Handle is set, the credit of a link.
type Flow struct {
	NextIncomingID *uint32
	IncomingWindow uint32
	NextOutgoingID uint32
	OutgoingWindow uint32
	Handle         *uint32
	DeliveryCount  *uint32
	LinkCredit     *uint32
	Available      *uint32
	Drain          bool
	Echo           bool
	Properties     Map
}

// Transfer carries a message or a part of one; the bytes follow it in the frame.
type Transfer struct {
	Handle        uint32
	DeliveryID    *uint32
	DeliveryTag   []byte
	MessageFormat *uint32
	Settled       bool
	More          bool
	RcvSettleMode *uint8
	State         State
	Resume        bool
	Aborted       bool
	Batchable     bool
}

// Disposition tells the state of the deliveries First to Last; Last nil means First alone.
type Disposition struct {
	Role      Role
	First     uint32
	Last      *uint32
	Settled   bool
	State     State
	Batchable bool
}

// Detach closes a link.
type Detach struct {
	Handle uint32
	Closed bool
	Error  *Error
}

// End ends a session.
type End struct{ Error *Error }

// Close ends a connection.
type Close struct{ Error *Error }

// SASLMechanisms offers mechanisms, SASLInit chooses one; SASLChallenge and SASLResponse go to and fro; SASLOutcome ends
// the exchange (part 5, section 5.3.3). Code is 0 for success, 1 for failed authentication.
type (
	SASLMechanisms struct{ Mechanisms []Symbol }
	SASLInit       struct {
		Mechanism       Symbol
		InitialResponse []byte
		Hostname        *string
	}
	SASLChallenge struct{ Challenge []byte }
	SASLResponse  struct{ Response []byte }
	SASLOutcome   struct{ Code uint8 }
)

// ParsePerformative reads the body of a frame. The bytes after the performative, a transfer's payload, are returned as
// they are and share memory with b; the performative itself keeps no reference to b.
func ParsePerformative(b []byte) (Performative, []byte, error) {
	r := newReader(b)
	descriptor, err := openDescribed(r)
	if err != nil {
		return nil, nil, err
	}
	parse, ok := performatives[descriptor]
	if !ok {
		return nil, nil, fmt.Errorf("amqp: descriptor 0x%x is no performative", descriptor)
	}
	f, err := openList(r, parse.name)
	if err != nil {
		return nil, nil, err
	}
	p := parse.read(f)
	if f.err != nil {
		return nil, nil, f.err
	}
	return p, r.buf, nil
}

// AppendPerformative appends the encoding of a performative to dst.
func AppendPerformative(dst []byte, p Performative) ([]byte, error) { return p.appendTo(dst) }
