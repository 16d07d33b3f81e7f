package main

import (
	"context"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// The methods of the service. protoc would write the constants, the types of its messages and the ServiceDesc; this one
// makes do with messages that come with protobuf, so that nothing has to be generated.
const (
	methodGet  = "/docs.Documents/Get"  // a name → the document {name, owner, text}
	methodMine = "/docs.Documents/Mine" // a filter {contains, …} → names of the caller's documents
	methodPut  = "/docs.Documents/Put"  // a document {name, text} → nothing
)

type document struct{ owner, text string }

// database stands for a real one, which all servers share.
type database struct {
	mu    sync.Mutex
	rows  map[string]document
	down  bool
	calls int // of handlers
}

// open counts a call, and locks the database for it.
func (d *database) open() (done func(), err error) {
	d.mu.Lock()
	d.calls++
	if d.down {
		d.mu.Unlock()
		return nil, status.Error(codes.Unavailable, "the database is down")
	}
	return d.mu.Unlock, nil
}

// documents is the service, without a thought of a cache.
type documents struct{ db *database }

func (s *documents) get(_ context.Context, name *wrapperspb.StringValue) (*structpb.Struct, error) {
	done, err := s.db.open()
	if err != nil {
		return nil, err
	}
	defer done()
	d, ok := s.db.rows[name.GetValue()]
	if !ok {
		return nil, status.Errorf(codes.NotFound, "no document %q", name.GetValue())
	}
	return structpb.NewStruct(map[string]any{"name": name.GetValue(), "owner": d.owner, "text": d.text})
}

func (s *documents) mine(ctx context.Context, filter *structpb.Struct) (*structpb.ListValue, error) {
	done, err := s.db.open()
	if err != nil {
		return nil, err
	}
	defer done()
	var names []any
	for name, d := range s.db.rows {
		if d.owner == caller(ctx) && strings.Contains(d.text, filter.GetFields()["contains"].GetStringValue()) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	return structpb.NewList(names)
}

func (s *documents) put(ctx context.Context, d *structpb.Struct) (*emptypb.Empty, error) {
	done, err := s.db.open()
	if err != nil {
		return nil, err
	}
	defer done()
	name, who := nameOf(d).GetValue(), caller(ctx)
	if had, ok := s.db.rows[name]; ok && had.owner != who {
		return nil, status.Errorf(codes.PermissionDenied, "%q is not yours", name)
	}
	s.db.rows[name] = document{who, d.GetFields()["text"].GetStringValue()}
	return &emptypb.Empty{}, nil
}

// nameOf makes the request for a document out of the document.
func nameOf(d *structpb.Struct) *wrapperspb.StringValue {
	return wrapperspb.String(d.GetFields()["name"].GetStringValue())
}

var service = grpc.ServiceDesc{
	ServiceName: "docs.Documents",
	HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{
		unary("Get", (*documents).get), unary("Mine", (*documents).mine), unary("Put", (*documents).put),
	},
}

// unary is what protoc-gen-go-grpc writes for each method.
func unary[Q any, P interface {
	*Q
	proto.Message
}, A proto.Message](name string, serve func(*documents, context.Context, P) (A, error)) grpc.MethodDesc {
	return grpc.MethodDesc{MethodName: name, Handler: func(srv any, ctx context.Context, decode func(any) error, by grpc.UnaryServerInterceptor) (any, error) {
		req := P(new(Q))
		if err := decode(req); err != nil {
			return nil, err
		}
		next := func(ctx context.Context, req any) (any, error) { return serve(srv.(*documents), ctx, req.(P)) }
		return by(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/docs.Documents/" + name}, next)
	}}
}

// tokens are who may ask: in a program, sessions or signed tokens.
var tokens = map[string]string{"Bearer a": "ada", "Bearer b": "bob"}

type userKey struct{}

// authenticate is an interceptor: it runs for every call, cached or not.
func authenticate(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	for _, token := range metadata.ValueFromIncomingContext(ctx, "authorization") {
		if user, ok := tokens[token]; ok {
			return next(context.WithValue(ctx, userKey{}, user), req)
		}
	}
	return nil, status.Error(codes.Unauthenticated, "who are you?")
}

// caller returns the user that authenticate has found, never what a client says about itself.
func caller(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}
