package broker

// Sessions come here: an entity with requiresSession keeps its ready messages per session id instead of in one heap,
// and a lock is on the session. Until then such an entity can be made and sent to, not received from.

// checkSession says whether messages can be received without a session. Sub-queues never have sessions.
func (t *entity) checkSession() error {
	if t.requiresSession {
		return t.refuse(ErrNotImplemented)
	}
	return nil
}
