package main

import (
	"context"
	"crypto/sha256"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/freshet-go/freshet/cache"
)

// Read is a method whose answers, of the message type A, are cached. Whatever an answer depends on must be a part of the
// request, or be what Caller tells; its handler must not set headers or trailers, which only one of its callers would get.
type Read[A proto.Message] struct {
	answers *cache.Cached[asked, A]
	caller  func(context.Context) string
}

// asked is what an answer is cached under, in a cache of its method. The hash gives long requests short keys.
type asked struct {
	Request [sha256.Size]byte
	Caller  string // "" where all callers get the same
}

// asking is how a load, which knows its key alone, reaches the request and the method's own handler.
type asking struct {
	req any
	ask grpc.UnaryHandler
}

type askingKey struct{}

// NewRead caches a method. caller tells who asks, by what was authenticated; nil: the answer is the same for everybody. An
// absence (codes.NotFound) is cached as the policy of o says, and other errors never.
func NewRead[A proto.Message](o cache.Options, caller func(context.Context) string) (*Read[A], error) {
	r := &Read[A]{caller: caller}
	o.NotFound = func(err error) bool { return status.Code(err) == codes.NotFound }
	answers, err := cache.New(r.load, o)
	r.answers = answers
	return r, err
}

// serve answers from the cache. Whom the caller function does not know gets nothing from there.
func (r *Read[A]) serve(ctx context.Context, req any, ask grpc.UnaryHandler) (any, error) {
	key, ok := r.key(ctx, req)
	if !ok {
		return ask(ctx, req)
	}
	answer, err := r.answers.Get(context.WithValue(ctx, askingKey{}, asking{req, ask}), key)
	if err != nil {
		return nil, asStatus(err)
	}
	return answer, nil // callers share it: grpc only encodes it, and an interceptor outside of this one must not change it
}

// load calls the handler, under the identity of a caller, but on a context of its own: it goes on for whoever waits.
func (r *Read[A]) load(ctx context.Context, key asked) (answer A, err error) {
	a, ok := ctx.Value(askingKey{}).(asking)
	if !ok {
		return answer, errors.New("grpc: a load outside of a call")
	}
	resp, err := a.ask(ctx, a.req)
	if err != nil {
		if refused(err) { // an old answer may stand in for a failure, and not for this
			_ = r.answers.Invalidate(ctx, key)
		}
		return answer, err
	}
	if answer, ok = resp.(A); !ok {
		return answer, status.Errorf(codes.Internal, "the handler answered with a %T", resp)
	}
	return answer, nil
}

// refused tells errors that are answers, and right ones, from failures. NotFound is neither: it is cached.
func refused(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated, codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented:
		return true
	default:
		return false
	}
}

// key encodes deterministically: maps in the order of their keys. Another version of protobuf may encode otherwise, which
// costs a miss.
func (r *Read[A]) key(ctx context.Context, req any) (key asked, ok bool) {
	if r.caller != nil {
		if key.Caller = r.caller(ctx); key.Caller == "" {
			return key, false
		}
	}
	m, ok := req.(proto.Message)
	if !ok {
		return key, false
	}
	encoded, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	key.Request = sha256.Sum256(encoded)
	return key, err == nil
}

// Mutate runs a write that changes the answer to req. The answer is marked on all nodes before it and invalidated after it,
// whether it failed or not. It is for methods that answer all callers alike; others need Forget.
func (r *Read[A]) Mutate(ctx context.Context, req proto.Message, write func(context.Context) error) error {
	key, ok := r.key(ctx, req)
	if !ok || r.caller != nil {
		return errors.Join(write(ctx), r.Forget(ctx, req))
	}
	return r.answers.Mutate(ctx, key, write)
}

// Forget invalidates the answers to a request, whoever asked; without a request, all of the method.
func (r *Read[A]) Forget(ctx context.Context, reqs ...proto.Message) (err error) {
	if len(reqs) == 0 {
		return r.answers.InvalidatePrefix(ctx)
	}
	for _, req := range reqs {
		encoded, bad := proto.MarshalOptions{Deterministic: true}.Marshal(req)
		if bad == nil {
			bad = r.answers.InvalidatePrefix(ctx, sha256.Sum256(encoded))
		}
		err = errors.Join(err, bad)
	}
	return err
}

// asStatus gives callers the status that the handler gave; what the cache says by itself gets one.
func asStatus(err error) error {
	var own interface{ GRPCStatus() *status.Status }
	switch {
	case errors.As(err, &own):
		return own.GRPCStatus().Err()
	case errors.Is(err, cache.ErrNotFound): // cached: the handler's own words were for its first caller
		return status.Error(codes.NotFound, "not found")
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return status.FromContextError(err).Err()
	default:
		return status.Error(codes.Internal, err.Error())
	}
}
