package contract

import (
	"strconv"

	"crosswalk/shared/schema"
)

// mostRecords bounds a contract's volume: no system takes so many records in an hour.
const mostRecords = 1_000_000_000

// Dataverse grants a user at least 6,000 requests in five minutes on each web server (Microsoft Learn, "Service protection API
// limits"), and a flow needs at least two for a record: one that finds the row, one that writes it.
const (
	dataverseRequestsPerHour = 6000 * 12
	requestsPerRecord        = 2
)

// volume compiles from which number of records an hour on a flow is no longer the right way.
func (c *compiler) volume() {
	if c.doc.Volume == nil {
		return
	}
	var d volumeDoc
	c.whole("volume", "volume", c.doc.Volume, &d)
	if d.BulkAbove == nil {
		return
	}
	n, err := strconv.Atoi(d.BulkAbove.text)
	if err != nil || n < 1 || n > mostRecords {
		c.add(d.BulkAbove, "write a whole number from 1 to "+itoa(mostRecords), "volume: bulkAbove: a flow can't be made for %s records an hour", d.BulkAbove.text)
		return
	}
	// F&O has no such number: it refuses by how busy it is.
	if most := dataverseRequestsPerHour / requestsPerRecord; c.plan.To.System == schema.Dataverse && n > most {
		c.add(d.BulkAbove, "write at most "+itoa(most)+", and load more than that in bulk", "volume: bulkAbove: Dataverse is sure to take %d requests an hour from one user, and each record needs at least %d, so %d records can't be relied on", dataverseRequestsPerHour, requestsPerRecord, n)
		return
	}
	c.plan.BulkAbove = n
}
