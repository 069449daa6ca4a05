package sbwire

import (
	"time"

	"crosswalk/local/servicebus/amqp/wire"
)

// putToken answers $cbs. A token that is no good is answered with 401, one for an entity that isn't there with 404, which
// is what makes the Go SDK report "not found": a refused attach alone doesn't.
func (c *connection) putToken(r request) response {
	if r.operation != "put-token" {
		c.s.o.Logf("servicebus: $cbs: unknown operation %q", r.operation)
		return response{code: 501, description: "the operation is not implemented", condition: wire.NotImplemented}
	}
	name, ok := wire.Text(r.properties.Get("name"))
	if !ok {
		return response{code: 400, description: "the application property name is missing", condition: conditionArgument}
	}
	entity := entityOf(name)
	if owner, ok := managed(entity); ok {
		entity = owner
	}
	token, _ := wire.Text(r.body)
	if err := c.put(token, entity); err != nil {
		return response{code: 401, description: err.Description, condition: err.Condition}
	}
	if entity == "" { // a token for the whole namespace
		return response{code: 202, description: "Accepted"}
	}
	if err := c.s.b.Exists(entity); isMissing(err) {
		time.Sleep(c.s.o.RefusalDelay)
		return failed(err, entity)
	}
	return response{code: 202, description: "Accepted"}
}
