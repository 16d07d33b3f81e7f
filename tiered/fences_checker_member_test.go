package tiered_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/internal/redistest"
	"github.com/freshet-go/freshet/tiered"
)

// member is a node of a lab. What it reads is judged, and what it writes earns promises.
type member struct {
	lab   *lab
	node  int
	store *tiered.Store
	cache *cache.Cached[labKey, string]
	net   atomic.Pointer[redistest.Net] // to the master
	dead  atomic.Bool
	away  atomic.Bool  // Redis cannot be reached
	since atomic.Int64 // when it was last away, Unix nanoseconds

	mu         sync.Mutex
	taps       []labTap
	subscribes func() error // before each SUBSCRIBE
}

// labTap meets the commands of one name: a script's, or Redis's; without a name, all. next executes them.
type labTap struct {
	name string
	meet func(cmd redis.Cmder, next func() error) error
}

// on lets f meet the commands of a name, before all that were to meet them before, until clear.
func (m *member) on(name string, meet func(cmd redis.Cmder, next func() error) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taps = append([]labTap{{name, meet}}, m.taps...)
}

// subscribing lets f meet the next subscription that follows a question who Redis is: not one that the client makes by
// itself.
func (m *member) subscribing(f func()) {
	m.on("info", func(_ redis.Cmder, next func() error) error {
		err := next()
		if err == nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.subscribes = func() error {
				m.mu.Lock()
				m.subscribes = nil
				m.mu.Unlock()
				f()
				return nil
			}
		}
		return err
	})
}

// unsubscribed makes all subscriptions fail: commands still work.
func (m *member) unsubscribed() {
	m.mu.Lock()
	m.subscribes = func() error { return errLost }
	m.mu.Unlock()
	m.net.Load().Cut()
}

// clear ends all that on has begun.
func (m *member) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taps, m.subscribes = nil, nil
}

func (m *member) down() {
	m.away.Store(true)
	m.net.Load().Down()
	m.lab.note("node %d: Redis is out of reach", m.node)
}

func (m *member) up() {
	if m.away.Swap(false) {
		m.since.Store(time.Now().UnixNano())
	}
	m.net.Load().Thaw()
	m.net.Load().Up()
}

func (m *member) freeze() {
	m.away.Store(true)
	m.net.Load().Freeze()
	m.lab.note("node %d: Redis is frozen", m.node)
}

// crash ends the process: nothing leaves it any more, and nobody sees what it returns.
func (m *member) crash() {
	m.dead.Store(true)
	m.net.Load().Down()
	m.lab.note("node %d: crashes", m.node)
}

// grace is how much longer than others the node may need to hear of what Redis was told.
func (m *member) grace() time.Duration {
	if m.away.Load() || time.Since(time.Unix(0, m.since.Load())) < 15*time.Second {
		return labFallback + 2*labLoadLimit + 2*time.Second
	}
	return 0
}

// read judges what f reads.
func (m *member) read(how string, key labKey, f func() (string, bool)) {
	begins, grace := time.Now(), m.grace()
	least, by := m.lab.least(m.node, key, begins, grace)
	if value, ok := f(); ok && !m.dead.Load() {
		if left, why := m.lab.least(m.node, key, begins, grace); left < least { // something became void meanwhile
			least, by = left, why
		}
		m.lab.judge(m.node, key, how, value, least, by)
	}
}

func (m *member) get(key labKey) {
	m.read("Get", key, func() (string, bool) {
		v, err := m.cache.Get(context.Background(), key)
		return v, err == nil
	})
	time.Sleep(time.Millisecond) // a fill follows the answer
}

func (m *member) peek(key labKey) {
	m.read("Peek", key, func() (string, bool) { return m.cache.Peek(context.Background(), key) })
}

func (m *member) refresh(key labKey) {
	m.read("Refresh", key, func() (string, bool) {
		v, err := m.cache.Refresh(context.Background(), key)
		return v, err == nil
	})
}

// change makes a new version of keys by f, which ends the old one, and notes what that promises.
func (m *member) change(how string, keys []labKey, f func(commit func()) error) {
	for _, key := range keys {
		m.lab.rows[key].writing <- struct{}{}
	}
	versions := make([]int64, len(keys))
	err := f(func() {
		for i, key := range keys {
			versions[i] = m.lab.commit(key)
		}
	})
	m.lab.note("node %d: %s of %v ends, %v", m.node, how, keys, err)
	for i, key := range keys {
		if !m.dead.Load() {
			p := promise{versions[i], m.node, time.Now(), "F1", m.node, how == "Expire"}
			m.lab.promise(key, p)
			if err == nil {
				p.node, p.from, p.by = everyone, time.Now().Add(labStaleness+100*time.Millisecond), "F3"
				m.lab.promise(key, p)
				if how != "InvalidatePrefix" {
					m.lab.tell(key, versions[i])
				}
			}
		}
		<-m.lab.rows[key].writing
	}
}

func (m *member) invalidate(key labKey) {
	m.change("Invalidate", []labKey{key}, func(commit func()) error {
		commit()
		return m.cache.Invalidate(context.Background(), key)
	})
}

func (m *member) invalidatePrefix(group int) {
	var keys []labKey
	for item := 1; item <= 2; item++ {
		keys = append(keys, labKey{group, item})
	}
	m.change("InvalidatePrefix", keys, func(commit func()) error {
		commit()
		return m.cache.InvalidatePrefix(context.Background(), group)
	})
}

func (m *member) set(key labKey) {
	m.change("Set", []labKey{key}, func(commit func()) error {
		commit()
		return m.cache.Set(context.Background(), key, fmt.Sprint(m.lab.version(key)))
	})
}

func (m *member) expire(key labKey) {
	m.change("Expire", []labKey{key}, func(commit func()) error {
		commit()
		return m.cache.Expire(context.Background(), key)
	})
}

// mutate commits a new version between before and after.
func (m *member) mutate(key labKey, before, after func()) {
	m.change("Mutate", []labKey{key}, func(commit func()) error {
		failed := m.store.Stats().HoldsFailed
		return m.cache.Mutate(context.Background(), key, func(context.Context) error {
			before()
			if commit(); m.store.Stats().HoldsFailed == failed {
				from := time.Now().Add(labLoadLimit + labStaleness + 100*time.Millisecond)
				m.lab.promise(key, promise{m.lab.version(key), everyone, from, "F4", m.node, false})
			}
			after()
			return nil
		})
	})
}

func (m *member) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *member) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (m *member) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		name := tiered.ScriptName(cmd)
		if name == "" {
			name = cmd.Name()
		}
		execute := func() error {
			switch name {
			case "info":
				return m.info(ctx, cmd, next)
			case "fill":
				return m.fill(cmd, func() error { return next(context.WithoutCancel(ctx), cmd) })
			case "hello", "client":
				return next(ctx, cmd)
			}
			return next(context.WithoutCancel(ctx), cmd) // who gives up waiting does not take it back
		}
		m.mu.Lock()
		taps := m.taps
		m.mu.Unlock()
		for _, t := range taps {
			if t.name == name || t.name == "" && name != "hello" && name != "client" {
				err := t.meet(cmd, execute)
				if err != nil {
					cmd.SetErr(err)
				}
				return err
			}
		}
		return execute()
	}
}

// info answers what miniredis does not know, if it can be reached.
func (m *member) info(ctx context.Context, cmd redis.Cmder, next redis.ProcessHook) error {
	if err := next(ctx, redis.NewCmd(ctx, "ping")); err != nil {
		cmd.SetErr(err)
		return err
	}
	cmd.(*redis.StringCmd).SetVal(m.lab.infoOf(m.lab.masters.Load()))
	return nil
}

// fill judges F2: what Redis stores now must not be older than what it was told of before.
func (m *member) fill(cmd redis.Cmder, next func() error) error {
	const header = 64
	name, _ := cmd.Args()[3].(string)
	record, _ := cmd.Args()[5].([]byte)
	key, ok := keyOf(name)
	if !ok || len(record) < header {
		return next()
	}
	l, master, mini := m.lab, m.lab.masters.Load(), m.lab.master.Load()
	told := l.told(key)
	before, _ := mini.Get(name)
	err := next()
	after, _ := mini.Get(name)
	version, _ := strconv.ParseInt(string(record[header:]), 10, 64)
	if master == l.masters.Load() && before != string(record) && after == string(record) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.noted("node %d: fill of %v stores version %d", m.node, key, version); version < told {
			l.violated("node %d stored version %d of %v in Redis, which had executed the invalidation of %d (F2)", m.node, version, key, told-1)
		}
	}
	return err
}

// dial connects to the master of the moment.
func (m *member) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := m.net.Load().Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &labConn{c, m}, nil
}

// labConn lets a member meet its subscriptions, which hooks of clients do not see.
type labConn struct {
	net.Conn
	member *member
}

func (c *labConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("\r\nsubscribe\r\n")) {
		c.member.mu.Lock()
		f := c.member.subscribes
		c.member.mu.Unlock()
		if f != nil {
			if err := f(); err != nil {
				return 0, err
			}
		}
	}
	return c.Conn.Write(b)
}
