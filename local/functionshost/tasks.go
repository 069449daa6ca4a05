package functionshost

import "sync"

// tasks counts goroutines. Unlike a sync.WaitGroup it may start some while somebody waits, as a call over HTTP does that
// comes in while its job host ends.
type tasks struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n gets to 0
}

// Go runs f in a goroutine of its own.
func (t *tasks) Go(f func()) {
	t.mu.Lock()
	if t.n == 0 {
		t.idle = make(chan struct{})
	}
	t.n++
	t.mu.Unlock()
	go func() {
		defer t.done()
		f()
	}()
}

func (t *tasks) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n--; t.n == 0 {
		close(t.idle)
	}
}

// Wait returns when nothing runs.
func (t *tasks) Wait() {
	for {
		t.mu.Lock()
		n, idle := t.n, t.idle
		t.mu.Unlock()
		if n == 0 {
			return
		}
		<-idle
	}
}
