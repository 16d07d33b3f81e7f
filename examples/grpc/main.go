// Grpc caches answers of a gRPC server in a unary interceptor: read.go and interceptor.go are what to copy. An answer is
// cached by its method, its request and, where it depends on it, its caller; a write's interceptor invalidates. While the
// database is down, old answers serve. Run it with go -C examples/grpc run .
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/tiered"
	"github.com/freshet-go/freshet/ttl"
)

// caching says which methods are cached, and what a write changes.
func caching(store *tiered.Store) (Interceptor, error) {
	get, err := NewRead[*structpb.Struct](cache.Options{
		Store: store, Name: methodGet,
		TTL: ttl.Fixed(200 * time.Millisecond).StaleIfError(time.Hour).Negative(10 * time.Second), // so short for this example
	}, nil)
	if err != nil {
		return Interceptor{}, err
	}
	mine, err := NewRead[*structpb.ListValue](cache.Options{Store: store, Name: methodMine, TTL: ttl.Fixed(time.Minute)}, caller)
	return Interceptor{
		Reads: map[string]Reader{methodGet: get, methodMine: mine},
		Writes: map[string]Write{methodPut: func(ctx context.Context, req any, put func(context.Context) error) error {
			err := get.Mutate(ctx, nameOf(req.(*structpb.Struct)), put)
			return errors.Join(err, mine.Forget(ctx)) // which filters match, nobody knows
		}},
	}, err
}

// serve runs one server, until stop.
func serve(ctx context.Context, db *database, redis string) (conn *grpc.ClientConn, stop func(), err error) {
	rdb, err := tiered.Dial(redis)
	if err != nil {
		return nil, nil, err
	}
	store, err := tiered.Open(tiered.Options{Redis: rdb, Namespace: "grpc", Budget: 2 * time.Second}) // this Redis is slow
	if err != nil {
		return nil, nil, err
	}
	interceptor, err := caching(store)
	if err != nil {
		return nil, nil, err
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(authenticate, interceptor.Unary))
	server.RegisterService(&service, &documents{db})
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err = grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	return conn, func() {
		_ = conn.Close()
		server.GracefulStop() // no call is under way then; the Store goes last
		_, _, _ = <-served, store.Close(), rdb.Close()
	}, err
}

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

// run has two servers, one database and one small Redis inside this process.
func run(ctx context.Context, out io.Writer) error {
	mini, err := miniredis.Run()
	if err != nil {
		return err
	}
	defer mini.Close()
	db := &database{rows: map[string]document{"readme": {"ada", "old text"}, "notes": {"bob", "old text"}}}
	redis := "redis://" + mini.Addr() + "?read_timeout=2s&write_timeout=2s" // it runs scripts slowly
	here, stopHere, err := serve(ctx, db, redis)
	if err != nil {
		return err
	}
	defer stopHere()
	there, stopThere, err := serve(ctx, db, redis)
	if err != nil {
		return err
	}
	defer stopThere()
	return show(ctx, out, db, here, there)
}

// as is the context of a user's call.
func as(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// show calls the servers, and says how often a handler ran for it.
func show(ctx context.Context, out io.Writer, db *database, here, there *grpc.ClientConn) error {
	ada, bob := as(ctx, "a"), as(ctx, "b")
	text := func(ctx context.Context, conn *grpc.ClientConn, name string) (string, error) {
		d := new(structpb.Struct)
		err := conn.Invoke(ctx, methodGet, wrapperspb.String(name), d)
		return d.GetFields()["text"].GetStringValue(), err
	}
	mine := func(ctx context.Context, conn *grpc.ClientConn) (string, error) {
		names := new(structpb.ListValue)
		err := conn.Invoke(ctx, methodMine, fields("contains", "text", "order", "name"), names)
		return fmt.Sprint(names.AsSlice()), err
	}
	put := func(ctx context.Context, text string) error {
		return here.Invoke(ctx, methodPut, fields("name", "readme", "text", text), new(emptypb.Empty))
	}
	repeat := func(what string, handlers, times int, call func() (string, error), want string, code codes.Code) func() error {
		return func() error {
			before := db.count()
			for range times {
				if got, err := call(); got != want || status.Code(err) != code {
					return fmt.Errorf("%s: got %q and %v, want %q and %v", what, got, status.Convert(err), want, code)
				}
			}
			ran := db.count() - before
			fmt.Fprintf(out, "%-48s %d calls, handlers ran %d times\n", what, times, ran)
			if ran != handlers {
				return fmt.Errorf("%s: the handlers ran %d times, want %d", what, ran, handlers)
			}
			return nil
		}
	}
	until := func(what string, is func() bool) func() error {
		return func() error {
			for began := time.Now(); time.Since(began) < 5*time.Second; time.Sleep(time.Millisecond) {
				if is() {
					fmt.Fprintln(out, what)
					return nil
				}
			}
			return fmt.Errorf("%s: that is not so", what)
		}
	}
	before := 0
	for _, step := range []func() error{
		repeat("no token", 0, 2, func() (string, error) { return text(ctx, here, "readme") }, "", codes.Unauthenticated),
		repeat("a document", 1, 1, func() (string, error) { return text(ada, here, "readme") }, "old text", codes.OK),
		repeat("a document that does not exist", 1, 5, func() (string, error) { return text(ada, here, "x") }, "", codes.NotFound),
		repeat("Ada's documents", 1, 5, func() (string, error) { return mine(ada, here) }, "[readme]", codes.OK),
		repeat("the same request of Bob, with his own answer", 1, 5, func() (string, error) { return mine(bob, here) }, "[notes]", codes.OK),
		repeat("the same on another server, from Redis", 0, 5, func() (string, error) { return mine(bob, there) }, "[notes]", codes.OK),
		repeat("Bob may not write it", 1, 1, func() (string, error) { return "", put(bob, "mine!") }, "", codes.PermissionDenied),
		repeat("Ada writes it", 1, 1, func() (string, error) { return "", put(ada, "new text") }, "", codes.OK),
		repeat("the document, at once", 1, 1, func() (string, error) { return text(bob, here, "readme") }, "new text", codes.OK),
		repeat("Ada's documents, at once", 1, 5, func() (string, error) { return mine(ada, here) }, "[readme]", codes.OK),
		until("the document on the other server, when it has heard", func() bool {
			got, err := text(ada, there, "readme")
			return err == nil && got == "new text"
		}),
		func() error { before = db.set(true); return nil },
		until("the database is down: its handler fails, and the old answer serves", func() bool {
			got, err := text(ada, here, "readme") // until it is past its time
			return err == nil && got == "new text" && db.count() > before
		}),
		repeat("what was not cached has no old answer", 3, 3, func() (string, error) { return text(ada, here, "y") }, "", codes.Unavailable),
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// set takes the database away, or brings it back.
func (d *database) set(down bool) (calls int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
	return d.calls
}

func (d *database) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls
}

// fields makes a message of names and values: a map, whose order is random on the wire.
func fields(pairs ...string) proto.Message {
	s := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for i := 0; i < len(pairs); i += 2 {
		s.Fields[pairs[i]] = structpb.NewStringValue(pairs[i+1])
	}
	return s
}
