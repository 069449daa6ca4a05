package functionshost

import (
	"fmt"
	"strings"
	"time"
)

// bindSingle builds the request for one message; its error fails the call before the handler is asked.
func bindSingle(f *function, e busEntity, m *busMessage) (func(now time.Time) []byte, error) {
	binary := strings.EqualFold(f.trigger.DataType, "binary")
	if m.bodyKind == otherBody || binary && m.bodyKind != dataBody || !f.bindable() {
		return nil, bindingError(f)
	}
	return func(now time.Time) []byte {
		metadata := e.singleMetadata(m)
		metadata.setSys(f.name, now)
		if binary {
			return envelope(f.trigger.Name, encode(m.body), metadata)
		}
		text := m.text()
		metadata.pollute(text)
		return envelope(f.trigger.Name, encode(text), metadata)
	}, nil
}

// bindBatch builds the request for a batch. Without dataType each body must be JSON, else the whole batch fails.
func bindBatch(f *function, e busEntity, all []*busMessage) (func(now time.Time) []byte, error) {
	if !f.bindable() {
		return nil, bindingError(f)
	}
	values := make(array, len(all))
	for i, m := range all {
		if m.bodyKind == otherBody {
			return nil, bindingError(f)
		}
		switch strings.ToLower(f.trigger.DataType) {
		case "binary":
			if m.bodyKind != dataBody {
				return nil, bindingError(f)
			}
			values[i] = m.body
		case "string":
			values[i] = m.text()
		default:
			members, ok := readMembers(m.text())
			if !ok {
				return nil, bindingError(f)
			}
			values[i] = members
		}
	}
	return func(now time.Time) []byte {
		metadata := e.batchMetadata(all)
		metadata.setSys(f.name, now)
		return envelope(f.trigger.Name, encode(values), metadata)
	}, nil
}

// bindable tells that the trigger's dataType can be bound; another one, "stream" say, fails each call (recorded).
func (f *function) bindable() bool { return isOneOf(f.trigger.DataType, "", "binary", "string") }

func bindingError(f *function) error {
	//lint:ignore ST1005 the host's own words
	return fmt.Errorf("Exception binding parameter '%s'", f.trigger.Name)
}
