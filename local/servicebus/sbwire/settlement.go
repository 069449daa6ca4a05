package sbwire

import (
	"crosswalk/local/servicebus/amqp/wire"
	"crosswalk/local/servicebus/broker"
)

// Keys of a rejected outcome's info, and properties of a dead letter.
const (
	keyReason      = broker.PropertyDeadLetterReason
	keyDescription = broker.PropertyDeadLetterDescription
)

// settlement says what an outcome means for the message, and which outcome confirms it: one of the same type, and for a
// dead letter a bare one, since clients read an error inside as a failed settlement.
//
//	accepted                          complete
//	rejected                          dead-letter, info: DeadLetterReason, DeadLetterErrorDescription, properties
//	released                          give back, not counted as a delivery
//	modified                          abandon, annotations: properties
//	modified{undeliverable-here}      defer, annotations: properties
func settlement(state wire.State) (broker.Disposition, wire.State, bool) {
	switch state := state.(type) {
	case wire.Accepted:
		return broker.Disposition{Kind: broker.Complete}, state, true
	case nil, wire.Released:
		return broker.Disposition{Kind: broker.Release}, wire.Released{}, true
	case wire.Modified:
		d := broker.Disposition{Kind: broker.Abandon, Properties: properties(state.Annotations)}
		if state.UndeliverableHere {
			d.Kind = broker.Defer
		}
		return d, wire.Modified{DeliveryFailed: state.DeliveryFailed, UndeliverableHere: state.UndeliverableHere}, true
	case wire.Rejected:
		d := broker.Disposition{Kind: broker.DeadLetter}
		if state.Error != nil {
			d.Properties = properties(state.Error.Info)
			d.Reason, d.Description = takeText(d.Properties, keyReason), takeText(d.Properties, keyDescription)
			if d.Description == "" && state.Error.Condition != conditionDeadLetter {
				d.Description = state.Error.Description
			}
		}
		return d, wire.Rejected{}, true
	}
	return broker.Disposition{}, nil, false
}

// properties turns a map whose keys are strings (JavaScript) or symbols (Go) into application properties; nil for an
// empty one. Other keys are left out.
func properties(m wire.Map) map[string]any {
	var out map[string]any
	for _, e := range m {
		if key, ok := wire.Text(e.Key); ok {
			if out == nil {
				out = make(map[string]any, len(m))
			}
			out[key] = e.Value
		}
	}
	return out
}

// takeText removes a property and returns it where it's text. Clients expect the reasons of a dead letter as strings
// and nothing else.
func takeText(properties map[string]any, key string) string {
	text, _ := wire.Text(properties[key])
	delete(properties, key)
	return text
}

// disposed settles the message of a delivery tag at an entity and returns the outcome that tells the receiver so.
func (s *Service) disposed(entity string, tag []byte, state wire.State) wire.State {
	d, confirmed, ok := settlement(state)
	if !ok {
		return wire.Rejected{Error: &wire.Error{Condition: wire.NotImplemented, Description: "unknown outcome"}}
	}
	token, ok := tokenOf(tag)
	if !ok {
		return lockLost()
	}
	if err := s.b.Settle(entity, token, d); err != nil {
		told, _ := failure(err, entity)
		return wire.Rejected{Error: told}
	}
	return confirmed
}

func lockLost() wire.State {
	told, _ := failure(broker.ErrLockLost, "")
	return wire.Rejected{Error: told}
}
