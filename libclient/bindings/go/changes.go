package jeton

/*
#include <jeton/jeton.h>
#include <poll.h>

// Whether there was something to clear.
static inline int clear_event(jeton_token *token, int fd) {
	struct pollfd waiting = {fd, POLLIN, 0};
	if (poll(&waiting, 1, 0) <= 0) return 0;
	// What goes wrong goes wrong in the waiters' own look as well.
	(void)!jeton_event_clear(token, fd);
	return 1;
}
*/
import "C"

import (
	"errors"
	"os"
	"sync"
	"time"
)

const (
	// An agent that died between its change and the event for it makes no event; so look again at times.
	lookAgain = time.Second
	// Where the process has no descriptor left.
	lookWithoutDescriptor = 50 * time.Millisecond
)

// changes notifies all waiters of one token that it may have changed. While there are any, there is one descriptor, in
// Go's poller, and one goroutine that reads it.
type changes struct {
	mutex   sync.Mutex
	waiters int
	stop    func()        // of the goroutine; returns when it has left the handle
	news    chan struct{} // closed when the token may have changed, and replaced
}

// enter begins before the first look at the token.
func (c *changes) enter(handle *C.jeton_token) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.waiters++
	if c.waiters > 1 {
		return
	}
	c.news = make(chan struct{})
	var fd C.int
	if C.jeton_event_fd(handle, &fd) != C.JETON_OK {
		c.stop = every(lookWithoutDescriptor, c.tell)
		return
	}
	c.stop = follow(os.NewFile(uintptr(fd), "jeton"), handle, c.tell)
}

func (c *changes) leave() {
	c.mutex.Lock()
	c.waiters--
	var stop func()
	if c.waiters == 0 {
		stop = c.stop
	}
	c.mutex.Unlock()
	if stop != nil {
		stop()
	}
}

// next is closed when the token may have changed.
func (c *changes) next() <-chan struct{} {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.news
}

func (c *changes) tell() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	close(c.news)
	c.news = make(chan struct{})
}

// follow calls tell whenever `file` becomes readable, and now and then besides.
func follow(file *os.File, handle *C.jeton_token, tell func()) (stop func()) {
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		connection, err := file.SyscallConn()
		for {
			tell()
			if err == nil {
				_ = file.SetReadDeadline(time.Now().Add(lookAgain))
				// Looks before it waits: the poller forgets what became readable before this call.
				err = connection.Read(func(fd uintptr) bool { return C.clear_event(handle, C.int(fd)) != 0 })
			}
			pause := time.Duration(0)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				err = nil
			} else if err != nil {
				pause = lookWithoutDescriptor
			}
			select {
			case <-stopped:
				return
			case <-time.After(pause):
			}
		}
	}()
	return func() {
		close(stopped)
		_ = file.Close()
		<-ended
	}
}

func every(pause time.Duration, tell func()) (stop func()) {
	ticker, stopped := time.NewTicker(pause), make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				tell()
			case <-stopped:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(stopped)
	}
}
