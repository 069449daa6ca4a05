package contract

import (
	"crosswalk/shared/eventtype"
	"crosswalk/shared/schema"
)

// event checks that a receiver can publish what the pattern asks for, and that it is about the flow's source.
func (c *compiler) event(d sourceDoc) {
	pattern := d.Event.text
	if why, instead := eventtype.Never(pattern); why != "" {
		c.add(d.Event, instead, "no receiver publishes an event %q (%s), so the flow would never start", pattern, why)
		return
	}
	system := eventtype.System(pattern)
	if d.System != nil && system != d.System.text && len(schema.Entities(d.System.text)) > 0 {
		c.add(d.Event, "let the event come from "+d.System.text, "event %q comes from %s, but the flow's source is %s", pattern, system, d.System.text)
		return
	}
	e := c.plan.source
	switch {
	case e == nil:
	case e.Event != "" && pattern != e.Event:
		c.add(d.Event, "write event: "+e.Event, "event %q doesn't carry a %s", pattern, e.Name)
	case e.Event == "" && system == schema.FnO && e.VirtualTable == "":
		c.add(d.Event, `add "virtualTable": "mserp_…" to shared/schema/fno/`+e.Name+`.json: the name that Dataverse lists the entity's virtual table under, in lower case`,
			"the schema of %s names no virtual table, and a data event says by that name which entity it is about, so the flow would never start", e.Name)
	case e.Event != "" || eventtype.OfRow(e.Name, e.VirtualTable, pattern):
	case system == schema.Dataverse:
		c.add(d.Event, "write event: dataverse."+e.Name+".*", "event %q isn't about table %s", pattern, e.Name)
	default:
		c.add(d.Event, "write event: "+eventtype.Rows(e.Name, e.VirtualTable), "event %q isn't about entity %s", pattern, e.Name)
	}
}
