package broker_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crosswalk/local/servicebus/broker"
	"crosswalk/local/servicebus/sbwire"
)

// sessionModel is a queue with sessions in the plainest form: per session the messages as they were sent.
type sessionModel struct {
	*rapid.T
	b        *broker.Broker
	journal  *frames
	now      time.Time
	max      int
	messages map[string][]*sessionMessage // by session
	holders  map[string]*holder
	lost     [][16]byte // locks that have ended
	dead     []string
	sent     int
	ended    int
}

type sessionMessage struct {
	id       string
	sequence int64
	token    [16]byte // under lock where it isn't zero
	until    time.Time
	orphan   bool // under the lock of a holder that a restart took away
	deferred bool
	rests    bool // was released, and holds the session up until the rest is over
	restEnd  time.Time
	releases int
	count    int
}

type holder struct {
	lock  [16]byte
	until time.Time
}

const sessionLockTime = 10 * time.Second

func (m *sessionModel) catchUp() {
	for id, h := range m.holders {
		if !h.until.After(m.now) {
			m.lose(id, true)
		}
	}
	for id, list := range m.messages {
		for _, x := range slices.Clone(list) {
			if x.orphan && !x.until.After(m.now) {
				x.releases = 0
				m.giveBack(id, x)
			}
			x.rests = x.rests && x.restEnd.After(m.now)
		}
	}
}

// lose ends a lock: by expiry, which counts a delivery, or because it's given back.
func (m *sessionModel) lose(id string, counts bool) {
	m.lost = append(m.lost, m.holders[id].lock)
	delete(m.holders, id)
	for _, x := range slices.Clone(m.messages[id]) {
		if x.token == ([16]byte{}) {
			continue
		}
		x.releases = 0
		if counts {
			m.giveBack(id, x)
		} else {
			x.token = [16]byte{}
		}
	}
}

func (m *sessionModel) giveBack(id string, x *sessionMessage) {
	x.token, x.orphan = [16]byte{}, false
	if x.count++; x.count >= m.max {
		m.bury(id, x)
	}
}

func (m *sessionModel) remove(id string, x *sessionMessage) {
	m.messages[id] = slices.DeleteFunc(m.messages[id], func(y *sessionMessage) bool { return x == y })
}

func (m *sessionModel) bury(id string, x *sessionMessage) {
	m.remove(id, x)
	m.dead = append(m.dead, x.id)
}

// ready lists what the holder of a session can receive, in order.
func (m *sessionModel) ready(id string) []*sessionMessage {
	var out []*sessionMessage
	for _, x := range m.messages[id] {
		if x.rests {
			return nil
		}
		if x.token == ([16]byte{}) && !x.deferred {
			out = append(out, x)
		}
	}
	return out
}

func (m *sessionModel) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func drawSession(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "session")
}

func (m *sessionModel) send(t *rapid.T) {
	for range rapid.IntRange(1, 3).Draw(t, "messages") {
		id := drawSession(t)
		m.sent++
		x := &sessionMessage{id: fmt.Sprint("m", m.sent), sequence: int64(m.sent)}
		m.messages[id] = append(m.messages[id], x)
		m.must(m.b.Send("q", &broker.Message{MessageID: x.id, SessionID: id, BlankSession: true}))
	}
	wants(t, m.b.Send("q", &broker.Message{}), broker.ErrSessionID)
}

func (m *sessionModel) accept(t *rapid.T) {
	id := drawSession(t)
	lock, err := m.b.AcceptSession("q", id)
	if m.holders[id] != nil {
		wants(t, err, broker.ErrSessionLocked)
		return
	}
	m.must(err)
	m.hold(t, id, lock)
}

func (m *sessionModel) hold(t *rapid.T, id string, lock broker.SessionLock) {
	end := m.now.Add(sessionLockTime)
	if lock.SessionID != id || !lock.LockedUntil.Equal(end) {
		t.Fatalf("lock of %q until %v, want %q until %v", lock.SessionID, lock.LockedUntil, id, end)
	}
	for _, x := range m.messages[id] {
		if x.orphan {
			x.token, x.orphan, x.releases = [16]byte{}, false, 0
		}
	}
	m.holders[id] = &holder{lock: lock.Token, until: end}
}

func (m *sessionModel) acceptNext(t *rapid.T) {
	want, oldest := "", int64(0)
	for id := range m.messages {
		if ready := m.ready(id); m.holders[id] == nil && len(ready) > 0 && (oldest == 0 || ready[0].sequence < oldest) {
			want, oldest = id, ready[0].sequence
		}
	}
	lock, ok, err := m.b.AcceptNextSession("q")
	m.must(err)
	if ok != (oldest > 0) {
		t.Fatalf("next session %v %q, want %q with message %d", ok, lock.SessionID, want, oldest)
	}
	if ok {
		m.hold(t, want, lock)
	}
}

// drawHolder draws a session somebody holds.
func (m *sessionModel) drawHolder(t *rapid.T) (string, *holder) {
	ids := slices.Sorted(maps.Keys(m.holders))
	if len(ids) == 0 {
		t.Skip("nobody holds a session")
	}
	id := rapid.SampledFrom(ids).Draw(t, "holder of")
	return id, m.holders[id]
}

func (m *sessionModel) receive(t *rapid.T) {
	id, h := m.drawHolder(t)
	n := rapid.IntRange(1, 4).Draw(t, "n")
	got, err := m.b.ReceiveFromSession("q", h.lock, n, broker.PeekLock)
	m.must(err)
	want := m.ready(id)
	m.take(got, want[:min(n, len(want))], h)
}

func (m *sessionModel) take(got []*broker.Message, want []*sessionMessage, h *holder) {
	if len(got) != len(want) {
		m.Fatalf("received %q, want %d messages", ids(got), len(want))
	}
	for i, x := range want {
		if g := got[i]; g.MessageID != x.id || int(g.DeliveryCount) != x.count || !g.LockedUntil.Equal(h.until) {
			m.Fatalf("received %+v, want %+v", g, x)
		}
		x.token, x.until = got[i].LockToken, h.until
	}
}

func (m *sessionModel) receiveDeferred(t *rapid.T) {
	id, h := m.drawHolder(t)
	of := drawSession(t) // perhaps another's
	for _, x := range m.messages[of] {
		if x.deferred && x.token == ([16]byte{}) {
			got, err := m.b.ReceiveDeferredFromSession("q", h.lock, []int64{x.sequence}, broker.PeekLock)
			m.must(err)
			if of != id {
				m.take(got, nil, h)
				return
			}
			m.take(got, []*sessionMessage{x}, h)
			return
		}
	}
}

func (m *sessionModel) settle(t *rapid.T) {
	id := drawSession(t)
	for _, x := range slices.Clone(m.messages[id]) {
		if x.token == ([16]byte{}) || rapid.Bool().Draw(t, "another") {
			continue
		}
		kind := rapid.SampledFrom([]broker.Kind{broker.Complete, broker.Abandon, broker.Defer, broker.DeadLetter, broker.Release}).Draw(t, "kind")
		token := x.token
		m.must(m.b.Settle("q", token, broker.Disposition{Kind: kind}))
		wants(t, m.b.Settle("q", token, broker.Disposition{Kind: kind}), broker.ErrLockLost)
		m.settled(id, x, kind)
		return
	}
}

func (m *sessionModel) settled(id string, x *sessionMessage, kind broker.Kind) {
	x.token, x.orphan = [16]byte{}, false
	if kind != broker.Release {
		x.releases = 0
	}
	switch kind {
	case broker.Complete:
		m.remove(id, x)
		m.ended++
	case broker.Abandon:
		m.giveBack(id, x)
	case broker.Defer:
		x.deferred = true
	case broker.DeadLetter:
		m.bury(id, x)
	case broker.Release:
		if x.deferred {
			return
		}
		if x.releases++; x.releases > 1 {
			pause := broker.FirstPause
			for range x.releases - 2 {
				pause = min(2*pause, broker.MaxPause)
			}
			x.rests, x.restEnd = true, m.now.Add(pause)
		}
	}
}

func (m *sessionModel) renew(t *rapid.T) {
	_, h := m.drawHolder(t)
	until, err := m.b.RenewSessionLock("q", h.lock)
	m.must(err)
	if h.until = m.now.Add(sessionLockTime); !until.Equal(h.until) {
		t.Fatalf("renewed until %v, want %v", until, h.until)
	}
}

func (m *sessionModel) release(t *rapid.T) {
	id, h := m.drawHolder(t)
	m.must(m.b.ReleaseSession("q", h.lock))
	m.lose(id, false)
}

func (m *sessionModel) pass(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.SampledFrom([]int{1, 20, 1000, 4000, 9999, 10000, 20000}).Draw(t, "ms")) * time.Millisecond)
	m.catchUp()
	if rapid.Bool().Draw(t, "advance") {
		m.b.Advance()
	}
}

// restart goes on with a broker made of the journal. No session's lock outlives it; its messages' do, until somebody
// takes the session or their time is over.
func (m *sessionModel) restart(*rapid.T) {
	for id, h := range m.holders {
		m.lost = append(m.lost, h.lock)
		for _, x := range m.messages[id] {
			x.orphan = x.token != [16]byte{}
		}
	}
	clear(m.holders)
	m.b = m.open()
	for _, frame := range m.journal.all {
		m.must(m.b.Restore(frame))
	}
	m.catchUp() // the journal isn't told of renewals of a session, so a lock may be over already
}

func (m *sessionModel) open() *broker.Broker {
	return broker.New(broker.Options{Now: func() time.Time { return m.now }, Journal: m.journal, Codec: sbwire.Codec{}})
}

func (m *sessionModel) useLost(t *rapid.T) {
	if len(m.lost) == 0 {
		t.Skip("no lock was lost")
	}
	lock := rapid.SampledFrom(m.lost).Draw(t, "lost lock")
	_, err := m.b.ReceiveFromSession("q", lock, 1, broker.PeekLock)
	wants(t, err, broker.ErrSessionLockLost)
	_, err = m.b.RenewSessionLock("q", lock)
	wants(t, err, broker.ErrSessionLockLost)
	wants(t, m.b.ReleaseSession("q", lock), broker.ErrSessionLockLost)
	wants(t, m.b.SetSessionState("q", lock, []byte("stolen")), broker.ErrSessionLockLost)
}

func (m *sessionModel) check(t *rapid.T) {
	left, want := 0, broker.Counts{DeadLetter: len(m.dead)}
	for id, list := range m.messages {
		left += len(list)
		got, err := m.b.PeekSession("q", id, 0, len(list)+1)
		m.must(err)
		if len(got) != len(list) {
			t.Fatalf("session %q holds %q, want %d messages", id, ids(got), len(list))
		}
		for i, x := range list {
			if got[i].MessageID != x.id || got[i].SessionID != id {
				t.Fatalf("session %q holds %+v, want %+v", id, got[i], x)
			}
			switch {
			case x.token != [16]byte{}:
				want.Locked++
			case x.deferred:
				want.Deferred++
			default:
				want.Active++
			}
		}
	}
	got, err := m.b.Counts("q")
	m.must(err)
	if got != want {
		t.Fatalf("counts %+v, want %+v", got, want)
	}
	if m.sent != left+m.ended+len(m.dead) {
		t.Fatal("the model lost a message")
	}
	m.must(m.b.CheckInvariants())
}

// TestSessionModel holds that a session has one holder at a time, gives its messages in order to that one alone, and
// loses none.
func TestSessionModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &sessionModel{
			T: t, now: epoch, max: rapid.IntRange(1, 4).Draw(t, "max delivery count"),
			messages: map[string][]*sessionMessage{}, holders: map[string]*holder{},
		}
		m.journal = &frames{}
		m.b = m.open()
		m.must(m.b.CreateQueue("q", broker.QueueProperties{RequiresSession: true, LockDuration: sessionLockTime, MaxDeliveryCount: m.max}))
		t.Repeat(map[string]func(*rapid.T){
			"": m.check, "send": m.send, "accept": m.accept, "accept next": m.acceptNext, "receive": m.receive, "receive again": m.receive,
			"receive deferred": m.receiveDeferred, "settle": m.settle, "settle again": m.settle, "renew": m.renew, "release": m.release,
			"pass": m.pass, "restart": m.restart, "use a lost lock": m.useLost,
		})
	})
}
