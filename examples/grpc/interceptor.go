package main

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/freshet-go/freshet/tiered"
)

// Interceptor is a server's: grpc.ChainUnaryInterceptor(authenticate, interceptor.Unary). It comes after what authenticates
// and authorizes, which must happen for a cached answer too.
type Interceptor struct {
	Reads  map[string]Reader // by full method: /package.Service/Method
	Writes map[string]Write
}

// Reader is a Read of any type of answer.
type Reader interface {
	serve(ctx context.Context, req any, ask grpc.UnaryHandler) (any, error)
}

// Write runs a write, do, and invalidates what it changes: by Mutate around it, or by Forget after it.
type Write func(ctx context.Context, req any, do func(context.Context) error) error

// Unary is a grpc.UnaryServerInterceptor.
func (i Interceptor) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if read, ok := i.Reads[info.FullMethod]; ok {
		return read.serve(ctx, req, next)
	}
	write, ok := i.Writes[info.FullMethod]
	if !ok {
		return next(ctx, req)
	}
	var resp any
	done := false
	err := write(ctx, req, func(ctx context.Context) (err error) {
		resp, err = next(ctx, req)
		done = err == nil
		return err
	})
	if err == nil || done && errors.Is(err, tiered.ErrDeferred) { // Redis will be told when it is back; this node knows already
		return resp, nil
	}
	return nil, asStatus(err)
}
