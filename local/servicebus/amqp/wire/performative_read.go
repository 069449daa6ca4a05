package wire

import "math"

type performativeReader struct {
	name string
	read func(*fieldReader) Performative
}

var performatives = map[uint64]performativeReader{
	descOpen:        {"open", readOpen},
	descBegin:       {"begin", readBegin},
	descAttach:      {"attach", readAttach},
	descFlow:        {"flow", readFlow},
	descTransfer:    {"transfer", readTransfer},
	descDisposition: {"disposition", readDisposition},
	descDetach:      {"detach", readDetach},
	descEnd:         {"end", func(f *fieldReader) Performative { return &End{readError(f, "error")} }},
	descClose:       {"close", func(f *fieldReader) Performative { return &Close{readError(f, "error")} }},
	descMechanisms: {"sasl-mechanisms", func(f *fieldReader) Performative {
		return &SASLMechanisms{f.symbols("sasl-server-mechanisms")}
	}},
	descInit: {"sasl-init", readInit},
	descChallenge: {"sasl-challenge", func(f *fieldReader) Performative {
		return &SASLChallenge{or[[]byte](f, "challenge", nil)}
	}},
	descResponse: {"sasl-response", func(f *fieldReader) Performative {
		return &SASLResponse{or[[]byte](f, "response", nil)}
	}},
	descOutcome: {"sasl-outcome", func(f *fieldReader) Performative {
		return &SASLOutcome{or[uint8](f, "code", 0)}
	}},
}

func readInit(f *fieldReader) Performative {
	p := &SASLInit{}
	if m := f.text("mechanism"); m != nil {
		p.Mechanism = *m
	} else {
		f.fail("mechanism", errMissing)
	}
	p.InitialResponse = or[[]byte](f, "initial-response", nil)
	p.Hostname = optional[string](f, "hostname")
	return p
}

func readOpen(f *fieldReader) Performative {
	p := &Open{}
	p.ContainerID = or(f, "container-id", "")
	p.Hostname = optional[string](f, "hostname")
	p.MaxFrameSize = or[uint32](f, "max-frame-size", math.MaxUint32)
	p.ChannelMax = or[uint16](f, "channel-max", math.MaxUint16)
	p.IdleTimeOut = optional[uint32](f, "idle-time-out")
	f.skip("outgoing-locales")
	f.skip("incoming-locales")
	f.skip("offered-capabilities")
	f.skip("desired-capabilities")
	p.Properties = f.mapping("properties")
	return p
}

func readBegin(f *fieldReader) Performative {
	p := &Begin{}
	p.RemoteChannel = optional[uint16](f, "remote-channel")
	p.NextOutgoingID = f.mandatoryUint32("next-outgoing-id")
	p.IncomingWindow = f.mandatoryUint32("incoming-window")
	p.OutgoingWindow = f.mandatoryUint32("outgoing-window")
	p.HandleMax = or[uint32](f, "handle-max", math.MaxUint32)
	f.skip("offered-capabilities")
	f.skip("desired-capabilities")
	p.Properties = f.mapping("properties")
	return p
}

func readAttach(f *fieldReader) Performative {
	p := &Attach{}
	if name := optional[string](f, "name"); name != nil {
		p.Name = *name
	} else {
		f.fail("name", errMissing)
	}
	p.Handle = f.mandatoryUint32("handle")
	if role := optional[bool](f, "role"); role != nil {
		p.Role = Role(*role)
	} else {
		f.fail("role", errMissing)
	}
	p.SndSettleMode = optional[uint8](f, "snd-settle-mode")
	p.RcvSettleMode = optional[uint8](f, "rcv-settle-mode")
	p.Source = readSource(f)
	p.Target, p.Coordinator = readTarget(f)
	f.skip("unsettled")
	f.skip("incomplete-unsettled")
	p.InitialDeliveryCount = optional[uint32](f, "initial-delivery-count")
	p.MaxMessageSize = or[uint64](f, "max-message-size", 0)
	p.OfferedCapabilities = f.symbols("offered-capabilities")
	p.DesiredCapabilities = f.symbols("desired-capabilities")
	p.Properties = f.mapping("properties")
	return p
}

func readFlow(f *fieldReader) Performative {
	p := &Flow{}
	p.NextIncomingID = optional[uint32](f, "next-incoming-id")
	p.IncomingWindow = f.mandatoryUint32("incoming-window")
	p.NextOutgoingID = f.mandatoryUint32("next-outgoing-id")
	p.OutgoingWindow = f.mandatoryUint32("outgoing-window")
	p.Handle = optional[uint32](f, "handle")
	p.DeliveryCount = optional[uint32](f, "delivery-count")
	p.LinkCredit = optional[uint32](f, "link-credit")
	p.Available = optional[uint32](f, "available")
	p.Drain = or(f, "drain", false)
	p.Echo = or(f, "echo", false)
	p.Properties = f.mapping("properties")
	return p
}

func readTransfer(f *fieldReader) Performative {
	p := &Transfer{}
	p.Handle = f.mandatoryUint32("handle")
	p.DeliveryID = optional[uint32](f, "delivery-id")
	p.DeliveryTag = or[[]byte](f, "delivery-tag", nil)
	p.MessageFormat = optional[uint32](f, "message-format")
	p.Settled = or(f, "settled", false)
	p.More = or(f, "more", false)
	p.RcvSettleMode = optional[uint8](f, "rcv-settle-mode")
	p.State = readState(f, "state")
	p.Resume = or(f, "resume", false)
	p.Aborted = or(f, "aborted", false)
	p.Batchable = or(f, "batchable", false)
	return p
}

func readDisposition(f *fieldReader) Performative {
	p := &Disposition{}
	if role := optional[bool](f, "role"); role != nil {
		p.Role = Role(*role)
	} else {
		f.fail("role", errMissing)
	}
	p.First = f.mandatoryUint32("first")
	p.Last = optional[uint32](f, "last")
	p.Settled = or(f, "settled", false)
	p.State = readState(f, "state")
	p.Batchable = or(f, "batchable", false)
	return p
}

func readDetach(f *fieldReader) Performative {
	p := &Detach{}
	p.Handle = f.mandatoryUint32("handle")
	p.Closed = or(f, "closed", false)
	p.Error = readError(f, "error")
	return p
}
