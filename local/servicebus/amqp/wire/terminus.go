package wire

// Source is where a link's messages come from (part 3, section 3.5.3). A nil Address is null. Filter values are kept as
// they came, so that an attach can be answered in the form that was asked for.
type Source struct {
	Address               *string
	Durable               uint32
	ExpiryPolicy          *Symbol
	Timeout               uint32
	Dynamic               bool
	DynamicNodeProperties Map
	DistributionMode      *Symbol
	Filter                Map
	DefaultOutcome        any
	Outcomes              []Symbol
	Capabilities          []Symbol
}

// Target is where a link's messages go (part 3, section 3.5.4).
type Target struct {
	Address               *string
	Durable               uint32
	ExpiryPolicy          *Symbol
	Timeout               uint32
	Dynamic               bool
	DynamicNodeProperties Map
	Capabilities          []Symbol
}

func (s *Source) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descSource)
	w.terminus(s.Address, s.Durable, s.ExpiryPolicy, s.Timeout, s.Dynamic, s.DynamicNodeProperties)
	w.symbolPtr(s.DistributionMode)
	w.mapping(s.Filter)
	w.value(s.DefaultOutcome)
	w.symbols(s.Outcomes)
	w.symbols(s.Capabilities)
	return w.finish()
}

func (t *Target) appendTo(dst []byte) ([]byte, error) {
	w := beginList(dst, descTarget)
	w.terminus(t.Address, t.Durable, t.ExpiryPolicy, t.Timeout, t.Dynamic, t.DynamicNodeProperties)
	w.symbols(t.Capabilities)
	return w.finish()
}

// terminus writes the six fields that source and target begin with.
func (w *listWriter) terminus(address *string, durable uint32, expiry *Symbol, timeout uint32, dynamic bool, node Map) {
	w.stringPtr(address)
	if durable == 0 {
		w.null()
	} else {
		w.uint32(durable)
	}
	w.symbolPtr(expiry)
	if timeout == 0 {
		w.null()
	} else {
		w.uint32(timeout)
	}
	w.flag(dynamic)
	w.mapping(node)
}

func readSource(f *fieldReader) *Source {
	inner := f.list("source", descSource)
	if inner == nil {
		return nil
	}
	s := &Source{}
	s.Address = optional[string](inner, "address")
	s.Durable = or[uint32](inner, "durable", 0)
	s.ExpiryPolicy = inner.text("expiry-policy")
	s.Timeout = or[uint32](inner, "timeout", 0)
	s.Dynamic = or(inner, "dynamic", false)
	s.DynamicNodeProperties = inner.mapping("dynamic-node-properties")
	s.DistributionMode = inner.text("distribution-mode")
	s.Filter = inner.mapping("filter")
	s.DefaultOutcome = inner.value("default-outcome")
	s.Outcomes = inner.symbols("outcomes")
	s.Capabilities = inner.symbols("capabilities")
	if inner.err != nil {
		f.fail("source", inner.err)
	}
	return s
}

// readTarget reads a target, or reports that it is a transaction coordinator.
func readTarget(f *fieldReader) (*Target, bool) {
	if !f.present() {
		return nil, false
	}
	f.left--
	descriptor, err := openDescribed(f.r)
	if err != nil {
		f.fail("target", err)
		return nil, false
	}
	inner, err := openList(f.r, "target")
	if err != nil {
		f.fail("target", err)
		return nil, false
	}
	if descriptor == descCoordinator {
		return nil, true
	}
	if descriptor != descTarget {
		f.fail("target", errType)
		return nil, false
	}
	t := &Target{}
	t.Address = optional[string](inner, "address")
	t.Durable = or[uint32](inner, "durable", 0)
	t.ExpiryPolicy = inner.text("expiry-policy")
	t.Timeout = or[uint32](inner, "timeout", 0)
	t.Dynamic = or(inner, "dynamic", false)
	t.DynamicNodeProperties = inner.mapping("dynamic-node-properties")
	t.Capabilities = inner.symbols("capabilities")
	if inner.err != nil {
		f.fail("target", inner.err)
	}
	return t, false
}
