package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/freshet-go/freshet/cache"
	"github.com/freshet-go/freshet/cache/cachetest"
	"github.com/freshet-go/freshet/ttl"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The example checks itself.
func TestRun(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(t.Context(), &out), out.String())
	require.Contains(t, out.String(), "old answer serves")
}

// method is one that is cached, and what its handler answers.
type method struct {
	*Read[*wrapperspb.StringValue]
	Interceptor
	answer string
	err    error
	ran    int
}

// open caches a method for a minute, and has a write that changes the answer to its own request.
func open(t *testing.T, o cache.Options, caller func(context.Context) string) *method {
	t.Helper()
	o.TTL = ttl.Fixed(time.Minute).StaleIfError(time.Hour).Negative(time.Minute)
	read, err := NewRead[*wrapperspb.StringValue](o, caller)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, read.answers.Close()) })
	m := &method{Read: read, answer: "first"}
	m.Interceptor = Interceptor{
		Reads: map[string]Reader{"/read": read},
		Writes: map[string]Write{"/write": func(ctx context.Context, req any, do func(context.Context) error) error {
			return read.Mutate(ctx, req.(proto.Message), do)
		}},
	}
	return m
}

func (m *method) call(ctx context.Context, req any) (string, error) {
	resp, err := m.Unary(ctx, req, &grpc.UnaryServerInfo{FullMethod: "/read"}, func(ctx context.Context, _ any) (any, error) {
		m.ran++
		if m.err != nil {
			return nil, m.err
		}
		return wrapperspb.String(m.answer + caller(ctx)), nil
	})
	answer, _ := resp.(*wrapperspb.StringValue)
	return answer.GetValue(), err
}

func (m *method) write(req any, answer string, err error) error {
	_, err = m.Unary(context.Background(), req, &grpc.UnaryServerInfo{FullMethod: "/write"}, func(context.Context, any) (any, error) {
		m.answer = answer
		return &emptypb.Empty{}, err
	})
	return err
}

// answers requires what a call of "a" answers, and whether its handler ran.
func (m *method) answers(t *testing.T, want string, code codes.Code, runs int) {
	t.Helper()
	before := m.ran
	got, err := m.call(t.Context(), wrapperspb.String("a"))
	require.Equal(t, code, status.Code(err), "%v", err)
	require.Equal(t, want, got)
	require.Equal(t, runs, m.ran-before)
}

func bubble(t *testing.T, test func(t *testing.T, m *method)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, open(t, cache.Options{}, nil)) })
}

func TestAnOldAnswerServesWhileTheHandlerFails(t *testing.T) {
	for _, code := range []codes.Code{codes.Unavailable, codes.DeadlineExceeded, codes.Internal, codes.Unknown, codes.ResourceExhausted, codes.Aborted} {
		bubble(t, func(t *testing.T, m *method) {
			m.answers(t, "first", codes.OK, 1)
			m.err = status.Error(code, "failed")
			m.answers(t, "first", codes.OK, 0)
			time.Sleep(2 * time.Minute)
			m.answers(t, "first", codes.OK, 1)
			time.Sleep(2 * time.Hour)
			m.answers(t, "", code, 1)
			m.answers(t, "", code, 1) // errors are not cached
			m.err, m.answer = nil, "second"
			m.answers(t, "second", codes.OK, 1)
		})
	}
}

func TestARefusalIsNotHiddenByAnOldAnswer(t *testing.T) {
	for _, code := range []codes.Code{codes.PermissionDenied, codes.Unauthenticated, codes.InvalidArgument} {
		bubble(t, func(t *testing.T, m *method) {
			m.answers(t, "first", codes.OK, 1)
			time.Sleep(2 * time.Minute)
			m.err = status.Error(code, "no")
			m.answers(t, "", code, 1)
			m.err = status.Error(codes.Unavailable, "down")
			m.answers(t, "", codes.Unavailable, 1) // what was refused is not there any more
		})
	}
}

func TestAnAbsenceIsCached(t *testing.T) {
	bubble(t, func(t *testing.T, m *method) {
		m.err = status.Error(codes.NotFound, "no a")
		_, err := m.call(t.Context(), wrapperspb.String("a"))
		require.Equal(t, "no a", status.Convert(err).Message())
		m.answers(t, "", codes.NotFound, 0)
		time.Sleep(2 * time.Minute)
		m.answers(t, "", codes.NotFound, 1)
		m.err = nil
		require.NoError(t, m.write(wrapperspb.String("a"), "second", nil))
		m.answers(t, "second", codes.OK, 1)
	})
}

func TestAWriteEndsTheAnswerAlsoIfItFails(t *testing.T) {
	bubble(t, func(t *testing.T, m *method) {
		m.answers(t, "first", codes.OK, 1)
		require.NoError(t, m.write(wrapperspb.String("b"), "first", nil))
		m.answers(t, "first", codes.OK, 0)
		require.NoError(t, m.write(wrapperspb.String("a"), "second", nil))
		m.answers(t, "second", codes.OK, 1)
		err := m.write(wrapperspb.String("a"), "third", status.Error(codes.Aborted, "who knows"))
		require.Equal(t, codes.Aborted, status.Code(err))
		m.answers(t, "third", codes.OK, 1)
	})
}

func TestCallersHaveTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := open(t, cache.Options{}, caller)
		user := func(name string) context.Context { return context.WithValue(t.Context(), userKey{}, name) }
		for _, want := range []struct {
			who  string
			runs int
		}{{"ada", 1}, {"bob", 1}, {"ada", 0}, {"", 1}, {"", 1}, {"bob", 0}} { // nobody's answers are kept
			before := m.ran
			got, err := m.call(user(want.who), wrapperspb.String("a"))
			require.NoError(t, err)
			require.Equal(t, "first"+want.who, got)
			require.Equal(t, want.runs, m.ran-before, want.who)
		}
		require.NoError(t, m.write(wrapperspb.String("a"), "second", nil)) // ends everybody's
		for _, who := range []string{"ada", "bob"} {
			got, err := m.call(user(who), wrapperspb.String("a"))
			require.NoError(t, err)
			require.Equal(t, "second"+who, got)
		}
	})
}

func TestEqualRequestsShareAnAnswer(t *testing.T) {
	bubble(t, func(t *testing.T, m *method) {
		filter := func(order ...string) *structpb.Struct { // maps have no order, but their encodings do
			s := &structpb.Struct{Fields: map[string]*structpb.Value{}}
			for _, name := range order {
				s.Fields[name] = structpb.NewStringValue(strings.Repeat(name, 100))
			}
			return s
		}
		for range 50 {
			_, err := m.call(t.Context(), filter("a", "b", "c", "d"))
			require.NoError(t, err)
			_, err = m.call(t.Context(), filter("d", "c", "b", "a"))
			require.NoError(t, err)
		}
		require.Equal(t, 1, m.ran)
	})
}

func TestRedisAwayIsNobodysError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := cachetest.NewRedis(t).Node(t)
		m := open(t, cache.Options{Store: node.Store, Name: "/read"}, nil)
		m.answers(t, "first", codes.OK, 1)
		node.Down()
		require.NoError(t, m.write(wrapperspb.String("a"), "second", nil)) // done, and Redis will be told
		m.answers(t, "second", codes.OK, 1)
		err := m.write(wrapperspb.String("a"), "third", errors.New("disk full"))
		require.ErrorContains(t, err, "disk full")
		m.answers(t, "third", codes.OK, 1)
	})
}

func TestOtherMethodsPass(t *testing.T) {
	resp, err := (Interceptor{}).Unary(t.Context(), "req", &grpc.UnaryServerInfo{FullMethod: "/other"}, func(_ context.Context, req any) (any, error) {
		return req, nil
	})
	require.NoError(t, err)
	require.Equal(t, "req", resp)
}
