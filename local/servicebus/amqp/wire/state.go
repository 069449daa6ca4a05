package wire

// Error is an AMQP error: a condition such as "amqp:not-found", a description for people, and details.
type Error struct {
	Condition   Symbol
	Description string
	Info        Map
}

// Error returns condition and description.
func (e *Error) Error() string {
	if e.Description == "" {
		return string(e.Condition)
	}
	return string(e.Condition) + ": " + e.Description
}

// Error conditions of the AMQP standard (part 2, sections 2.8.15 to 2.8.18).
const (
	InternalError         Symbol = "amqp:internal-error"
	NotFound              Symbol = "amqp:not-found"
	UnauthorizedAccess    Symbol = "amqp:unauthorized-access"
	DecodeError           Symbol = "amqp:decode-error"
	ResourceLimitExceeded Symbol = "amqp:resource-limit-exceeded"
	NotAllowed            Symbol = "amqp:not-allowed"
	InvalidField          Symbol = "amqp:invalid-field"
	NotImplemented        Symbol = "amqp:not-implemented"
	ConnectionForced      Symbol = "amqp:connection:forced"
	FramingError          Symbol = "amqp:connection:framing-error"
	WindowViolation       Symbol = "amqp:session:window-violation"
	HandleInUse           Symbol = "amqp:session:handle-in-use"
	UnattachedHandle      Symbol = "amqp:session:unattached-handle"
	DetachForced          Symbol = "amqp:link:detach-forced"
	TransferLimitExceeded Symbol = "amqp:link:transfer-limit-exceeded"
	MessageSizeExceeded   Symbol = "amqp:link:message-size-exceeded"
)

func (e *Error) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descError)
	w.symbolPtr(&e.Condition)
	if e.Description == "" {
		w.null()
	} else {
		w.string(e.Description)
	}
	w.mapping(e.Info)
	return w.finish()
}

// list opens a field that is a described list with the given descriptor; nil where the field is null.
func (f *fieldReader) list(field string, want uint64) *fieldReader {
	if !f.present() {
		return nil
	}
	f.left--
	descriptor, err := openDescribed(f.r)
	if err != nil {
		f.fail(field, err)
		return nil
	}
	if descriptor != want {
		f.fail(field, errType)
		return nil
	}
	inner, err := openList(f.r, field)
	if err != nil {
		f.fail(field, err)
		return nil
	}
	return inner
}

// readError reads a field that holds an error.
func readError(f *fieldReader, field string) *Error {
	inner := f.list(field, descError)
	if inner == nil {
		return nil
	}
	e := &Error{}
	if c := inner.text("condition"); c != nil {
		e.Condition = *c
	}
	e.Description = or(inner, "description", "")
	e.Info = inner.mapping("info")
	if inner.err != nil {
		f.fail(field, inner.err)
	}
	return e
}

// State is the state of a delivery: Accepted, Rejected, Released, Modified, Received, or UnknownState for one of another
// specification, such as a transaction's.
type State interface{ state() }

// The outcomes of part 3, section 3.4. Rejected without an Error is a bare one, which is how Service Bus confirms a
// dead-lettering.
type (
	Accepted struct{}
	Rejected struct{ Error *Error }
	Released struct{}
	Modified struct {
		DeliveryFailed, UndeliverableHere bool
		Annotations                       Map
	}
	Received struct {
		SectionNumber uint32
		SectionOffset uint64
	}
	UnknownState struct{ Descriptor uint64 }
)

func (Accepted) state()     {}
func (Rejected) state()     {}
func (Released) state()     {}
func (Modified) state()     {}
func (Received) state()     {}
func (UnknownState) state() {}

// readState reads a field that holds a delivery state, nil for null.
func readState(f *fieldReader, field string) State {
	if !f.present() {
		return nil
	}
	f.left--
	descriptor, err := openDescribed(f.r)
	if err != nil {
		f.fail(field, err)
		return nil
	}
	inner, err := openList(f.r, field)
	if err != nil {
		f.fail(field, err)
		return nil
	}
	state := readOutcome(inner, descriptor)
	if inner.err != nil {
		f.fail(field, inner.err)
	}
	return state
}

func readOutcome(f *fieldReader, descriptor uint64) State {
	switch descriptor {
	case descAccepted:
		return Accepted{}
	case descRejected:
		return Rejected{readError(f, "error")}
	case descReleased:
		return Released{}
	case descModified:
		return Modified{or(f, "delivery-failed", false), or(f, "undeliverable-here", false), f.mapping("message-annotations")}
	case descReceived:
		return Received{f.mandatoryUint32("section-number"), or[uint64](f, "section-offset", 0)}
	}
	return UnknownState{descriptor}
}

func (w *listWriter) state(s State) {
	if _, unknown := s.(UnknownState); s == nil || unknown { // of an unknown one only the name was kept
		w.null()
		return
	}
	w.nested(true, func(dst []byte) ([]byte, error) { return appendState(dst, s) })
}

func appendState(dst []byte, s State) ([]byte, error) {
	switch s := s.(type) {
	case Accepted:
		return beginList(dst, descAccepted).finish()
	case Rejected:
		w := beginList(dst, descRejected)
		w.nested(s.Error != nil, s.Error.appendTo)
		return w.finish()
	case Released:
		return beginList(dst, descReleased).finish()
	case Modified:
		w := beginList(dst, descModified)
		w.flag(s.DeliveryFailed)
		w.flag(s.UndeliverableHere)
		w.mapping(s.Annotations)
		return w.finish()
	case Received:
		w := beginList(dst, descReceived)
		w.uint32(s.SectionNumber)
		w.uint64(s.SectionOffset)
		return w.finish()
	}
	return append(dst, codeNull), nil
}
