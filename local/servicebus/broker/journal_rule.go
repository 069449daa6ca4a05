package broker

// ruleDefinition is a rule in the journal. Values (the correlation filter's properties), Parameters and ActionParameters
// are by the codec, for JSON has too few types.
type ruleDefinition struct {
	Rule
	Values                []byte `json:",omitempty"`
	ParameterValues       []byte `json:",omitempty"`
	ActionParameterValues []byte `json:",omitempty"`
}

func (r Rule) definition(codec Codec) (ruleDefinition, error) {
	d := ruleDefinition{Rule: r.clone()}
	d.Parameters, d.ActionParameters = nil, nil
	var err error
	if d.ParameterValues, err = appendSome(r.Parameters, codec); err != nil {
		return d, err
	}
	if d.ActionParameterValues, err = appendSome(r.ActionParameters, codec); err != nil {
		return d, err
	}
	if d.Correlation != nil {
		d.Correlation.Properties = nil
		d.Values, err = appendSome(r.Correlation.Properties, codec)
	}
	return d, err
}

// appendSome is appendProperties, with nothing for none.
func appendSome(values map[string]any, codec Codec) ([]byte, error) {
	if len(values) == 0 {
		return nil, nil
	}
	return appendProperties(nil, values, codec)
}

func (d ruleDefinition) rule(codec Codec) (Rule, error) {
	out := d.Rule
	read := func(encoded []byte) (map[string]any, error) {
		if len(encoded) == 0 {
			return nil, nil
		}
		r := &record{rest: encoded, codec: codec}
		return r.properties(), r.err
	}
	var err error
	if out.Parameters, err = read(d.ParameterValues); err != nil {
		return out, err
	}
	if out.ActionParameters, err = read(d.ActionParameterValues); err != nil {
		return out, err
	}
	if out.Correlation != nil {
		out.Correlation.Properties, err = read(d.Values)
	}
	return out, err
}
