// Package golden has an interface with all that the command has to get right; its generated file is compared, compiled
// and run.
package golden

import (
	"context"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"net/netip"
	"text/template"
)

// These are the names of packages that the generated file imports.
var tiered, ttl = "in", "the way"

type (
	UserID int64
	// IDs is a type of its own, not []UserID.
	IDs  []UserID
	User struct {
		ID   UserID
		Team string
		Home *Address
	}
	Address struct {
		City string
		Grid [2]int8
	}
	// Query has a field that is not a part of the key.
	Query struct {
		Team string
		Page int
		Note []string
	}
	Slot struct {
		Team string
		Day  int
		_    int
	}
	// Place is several segments of a key.
	Place struct {
		Slot Slot
		At   [2]int8
		Mark [4]byte
	}
	// These are names that the generated file would give to its variables.
	options string
	c       struct{ N int }
	// Getter is embedded below, as the instance for one type.
	Getter[K comparable, V any] interface {
		//freshet:cache name=addresses
		Address(ctx context.Context, at K) (V, error)
	}
)

// Repo is written in the order that the generated file keeps.
type Repo interface {
	//freshet:cache name=users ttl=5m key=id
	UserByID(ctx context.Context, id UserID) (*User, error)

	//freshet:cache name=users.many ttl=1h30m
	UsersByID(ctx context.Context, ids []UserID) (map[UserID]*User, error)
	//freshet:cache name=variadic ttl=1s
	Variadic(ctx context.Context, ids ...UserID) (map[UserID]string, error)
	//freshet:cache name=named
	Named(ctx context.Context, ids IDs) (map[UserID]string, error)

	Count(ctx context.Context) (int, error) //freshet:cache name=count ttl=1500ms

	// Search is keyed by fields, in another order.
	//
	//freshet:cache name=search key=q.Page,q.Team,exact
	Search(ctx context.Context, q *Query, exact bool) ([]string, error)
	//freshet:cache name=feed key=team,day
	Feed(c context.Context, day int, team string) (string, error)
	//freshet:cache name=slots
	Slot(context context.Context, slot Slot) (string, error)
	//freshet:cache name=clash key=cache,error
	Clash(ctx context.Context, cache string, error int) (string, error)
	//freshet:cache name=places
	Place(ctx context.Context, place Place, options options) (c, error)

	//freshet:invalidate users key=user.ID
	//freshet:invalidate users.many key=user.ID
	//freshet:invalidate feed prefix=user.Team
	//freshet:invalidate count
	Save(ctx context.Context, user *User) error
	//freshet:invalidate users key=created.ID
	//freshet:invalidate count
	Create(ctx context.Context, team string) (created *User, err error)
	//freshet:invalidate users key=ids
	//freshet:invalidate count
	Delete(ctx context.Context, ids ...UserID) (int, error)
	//freshet:invalidate search prefix=page
	//freshet:invalidate search key=page,team,exact
	//freshet:invalidate slots prefix=team
	//freshet:invalidate slots key=slot
	//freshet:invalidate feed all
	Reset(_ context.Context, team string, page int, exact bool, slot Slot, _ func(context.Context)) (invalidation, written int, _ error)

	//freshet:invalidate places prefix=slot,user.Home.Grid
	//freshet:invalidate users key=user.ID
	//freshet:invalidate feed prefix=user.Home.City
	//freshet:invalidate slots prefix=slot
	//freshet:invalidate count
	Move(ctx context.Context, user *User, slot Slot) (moved *User, err error)

	Templates(template.Template, htmltemplate.HTML) (io.Reader, [2]chan<- struct{ X int })
	Nothing()
	Join(sep string, parts ...string) string

	Getter[netip.Addr, Address]
	local
	fmt.Stringer
	io.Closer
}

type local interface {
	//freshet:cache name=local
	hidden(ctx context.Context, name string) (string, error)
	inner() (caches int)
}

var _ = errors.New

// SetPlace fills a cache, whose values only this package can make.
func SetPlace(ctx context.Context, r *CachedRepo, at CachedRepoPlaceKey) error {
	return r.PlacesCache.Set(ctx, at, c{})
}
