package contract

import (
	"time"
	_ "time/tzdata" // the zones' rules, on machines that have none

	"crosswalk/shared/schema"
)

// localLayouts are the forms of a time of day without a zone that a field with a zone reads.
var localLayouts = []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02 15:04:05.999999999"}

// localMoment reads a time without a zone as one on the clocks of zone. A time that these clocks skip, or show twice, is
// refused: nobody can know which instant it is.
func localMoment(text string, zone *time.Location) (t time.Time, known bool, failed *failure) {
	for _, layout := range localLayouts {
		wall, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		instants := instantsOf(wall, zone)
		switch len(instants) {
		case 0:
			return time.Time{}, true, fail("bad-value", "the clocks of "+zone.String()+" skip this time")
		case 1:
			return instants[0].UTC(), true, nil
		}
		return time.Time{}, true, fail("bad-value", "the clocks of "+zone.String()+" show this time twice")
	}
	return time.Time{}, false, nil
}

// instantsOf returns the instants at which the clocks of zone show what wall, in UTC, shows: none where they skip it, two
// where they go back over it, in order.
func instantsOf(wall time.Time, zone *time.Location) []time.Time {
	var out []time.Time
	for _, near := range []time.Time{wall.Add(-26 * time.Hour), wall.Add(26 * time.Hour)} {
		_, offset := near.In(zone).Zone()
		at := wall.Add(-time.Duration(offset) * time.Second)
		_, there := at.In(zone).Zone()
		if there == offset && (len(out) == 0 || !out[0].Equal(at)) {
			out = append(out, at)
		}
	}
	return out
}

// inZone carries a date over a zone: the day that an instant falls on, or the instant at which a day begins.
func inZone(v scalar, source, target *schema.Column, zone *time.Location) (scalar, *failure) {
	switch {
	case v.kind != schema.Time:
	case target.Kind == schema.Text && !source.DateOnly:
		v.text = v.moment.In(zone).Format(time.RFC3339Nano)
	case target.DateOnly && !source.DateOnly:
		y, m, d := v.moment.In(zone).Date()
		v.moment = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	case !target.DateOnly && source.DateOnly:
		y, m, d := v.moment.Date()
		instants := instantsOf(time.Date(y, m, d, 0, 0, 0, 0, time.UTC), zone)
		if len(instants) == 0 {
			return v, fail("bad-value", "in "+zone.String()+" this day has no midnight, so it isn't known when it begins")
		}
		v.moment = instants[0].UTC()
	}
	return v, nil
}

// zone compiles the field's zone.
func (c *compiler) zone(d *fieldDoc) *time.Location {
	if d.Zone == nil {
		return nil
	}
	zone, err := time.LoadLocation(d.Zone.text)
	if err != nil || d.Zone.text == "Local" {
		c.add(d.Zone, "write a name of the IANA time zone database, such as Europe/Berlin", "field %s: there is no zone %q", d.name.text, d.Zone.text)
		return nil
	}
	return zone
}
