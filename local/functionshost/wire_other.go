//go:build !unix

package functionshost

import (
	"errors"
	"os"
	"time"
)

// alive looks whether the handler has closed the connection or sent something unasked. A read that doesn't wait can't be
// had here, so it waits for a moment.
func (c *wireConn) alive() bool {
	if c.SetReadDeadline(time.Now().Add(time.Millisecond)) != nil {
		return false
	}
	var one [1]byte
	_, err := c.Read(one[:])
	return errors.Is(err, os.ErrDeadlineExceeded) && c.SetReadDeadline(time.Time{}) == nil
}
