package wire

import "math"

func (p *Open) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descOpen)
	w.string(p.ContainerID)
	w.stringPtr(p.Hostname)
	w.uint32(p.MaxFrameSize)
	w.uint16(p.ChannelMax)
	w.uint32Ptr(p.IdleTimeOut)
	w.null() // outgoing-locales
	w.null() // incoming-locales
	w.null() // offered-capabilities
	w.null() // desired-capabilities
	w.mapping(p.Properties)
	return w.finish()
}

func (p *Begin) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descBegin)
	if p.RemoteChannel == nil {
		w.null()
	} else {
		w.uint16(*p.RemoteChannel)
	}
	w.uint32(p.NextOutgoingID)
	w.uint32(p.IncomingWindow)
	w.uint32(p.OutgoingWindow)
	if p.HandleMax == math.MaxUint32 {
		w.null()
	} else {
		w.uint32(p.HandleMax)
	}
	w.null() // offered-capabilities
	w.null() // desired-capabilities
	w.mapping(p.Properties)
	return w.finish()
}

func (p *Attach) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descAttach)
	w.string(p.Name)
	w.uint32(p.Handle)
	w.bool(bool(p.Role))
	w.uint8Ptr(p.SndSettleMode)
	w.uint8Ptr(p.RcvSettleMode)
	w.nested(p.Source != nil, p.Source.appendTo)
	if p.Coordinator {
		w.nested(true, func(dst []byte) ([]byte, error) { return beginList(dst, descCoordinator).finish() })
	} else {
		w.nested(p.Target != nil, p.Target.appendTo)
	}
	w.null() // unsettled
	w.null() // incomplete-unsettled
	w.uint32Ptr(p.InitialDeliveryCount)
	if p.MaxMessageSize == 0 {
		w.null()
	} else {
		w.uint64(p.MaxMessageSize)
	}
	w.symbols(p.OfferedCapabilities)
	w.symbols(p.DesiredCapabilities)
	w.mapping(p.Properties)
	return w.finish()
}

func (p *Flow) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descFlow)
	w.uint32Ptr(p.NextIncomingID)
	w.uint32(p.IncomingWindow)
	w.uint32(p.NextOutgoingID)
	w.uint32(p.OutgoingWindow)
	w.uint32Ptr(p.Handle)
	w.uint32Ptr(p.DeliveryCount)
	w.uint32Ptr(p.LinkCredit)
	w.uint32Ptr(p.Available)
	w.flag(p.Drain)
	w.flag(p.Echo)
	w.mapping(p.Properties)
	return w.finish()
}

func (p *Transfer) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descTransfer)
	w.uint32(p.Handle)
	w.uint32Ptr(p.DeliveryID)
	w.binary(p.DeliveryTag)
	w.uint32Ptr(p.MessageFormat)
	w.flag(p.Settled)
	w.flag(p.More)
	w.uint8Ptr(p.RcvSettleMode)
	w.state(p.State)
	w.flag(p.Resume)
	w.flag(p.Aborted)
	w.flag(p.Batchable)
	return w.finish()
}

func (p *Disposition) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descDisposition)
	w.bool(bool(p.Role))
	w.uint32(p.First)
	w.uint32Ptr(p.Last)
	w.flag(p.Settled)
	w.state(p.State)
	w.flag(p.Batchable)
	return w.finish()
}

func (p *Detach) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descDetach)
	w.uint32(p.Handle)
	w.flag(p.Closed)
	w.nested(p.Error != nil, p.Error.appendTo)
	return w.finish()
}

func (p *End) appendTo(dst []byte) ([]byte, error)   { return appendErrorList(dst, descEnd, p.Error) }
func (p *Close) appendTo(dst []byte) ([]byte, error) { return appendErrorList(dst, descClose, p.Error) }

func appendErrorList(dst []byte, descriptor uint64, e *Error) ([]byte, error) {
	w := beginList(dst, descriptor)
	w.nested(e != nil, e.appendTo)
	return w.finish()
}

func (p *SASLMechanisms) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descMechanisms)
	w.value(Symbols(p.Mechanisms...))
	return w.finish()
}

func (p *SASLInit) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descInit)
	w.symbolPtr(&p.Mechanism)
	w.binary(p.InitialResponse)
	w.stringPtr(p.Hostname)
	return w.finish()
}

func (p *SASLChallenge) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descChallenge)
	w.binary(append([]byte{}, p.Challenge...))
	return w.finish()
}

func (p *SASLResponse) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descResponse)
	w.binary(append([]byte{}, p.Response...))
	return w.finish()
}

func (p *SASLOutcome) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descOutcome)
	w.uint8Ptr(&p.Code)
	return w.finish()
}
