package journal

import "net"

// Listener returns a listener whose connections write nothing before everything that was appended up to then is on the
// disk: an answer never leaves before what it answers is durable. A connection is closed when the log has failed.
func (l *Log) Listener(inner net.Listener) net.Listener { return listener{inner, l} }

type listener struct {
	net.Listener
	log *Log
}

// Accept waits for a connection.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn{c, l.log}, nil
}

type conn struct {
	net.Conn
	log *Log
}

// Write waits for the log, then writes.
func (c conn) Write(b []byte) (int, error) {
	if err := c.log.Wait(); err != nil {
		c.Conn.Close()
		return 0, err
	}
	return c.Conn.Write(b)
}

// CloseWrite ends the sending half, where the connection has halves.
func (c conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
