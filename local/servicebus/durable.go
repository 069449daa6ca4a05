package servicebus

import (
	"net"

	"crosswalk/local/servicebus/broker"
	"crosswalk/local/servicebus/journal"
	"crosswalk/local/servicebus/sbwire"
)

// openBroker makes the broker of these options: in memory, or with the journal of a folder and what that holds. The
// journal is nil for a broker in memory.
func openBroker(o Options) (*broker.Broker, *journal.Log, error) {
	settings := broker.Options{Now: o.Now, MaxMessageSize: o.MaxMessageSize}
	if o.Dir == "" {
		return broker.New(settings), nil, nil
	}
	log, err := journal.Open(o.Dir, journal.Options{Logf: o.Logf, Warnf: o.Warnf, CutDamaged: o.CutDamaged})
	if err != nil {
		return nil, nil, err
	}
	settings.Journal, settings.Codec = log, sbwire.Codec{}
	b := broker.New(settings)
	if err := log.Replay(b.Restore); err != nil {
		return nil, nil, closing(log, err)
	}
	log.Compacting(b.Snapshot)
	return b, log, nil
}

// closing closes a journal after an error and returns that.
func closing(log *journal.Log, err error) error {
	if log != nil {
		_ = log.Close() // the first error counts
	}
	return err
}

// guarded makes connections wait for the journal, where there is one.
func guarded(l net.Listener, log *journal.Log) net.Listener {
	if log == nil {
		return l
	}
	return log.Listener(l)
}

// Sync waits until everything that was done is on the disk. Clients needn't ask: they aren't told of anything that isn't.
// It's for what a program does by [Server.Broker]. Without [Options].Dir it returns at once.
func (s *Server) Sync() error {
	if s.log == nil {
		return nil
	}
	return s.log.Wait()
}
