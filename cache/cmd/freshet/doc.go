// Freshet writes the caches of an interface: a type that implements it too, and that answers from caches what the
// interface's comments say.
//
//	go get -tool github.com/freshet-go/freshet/cache/cmd/freshet
//	go tool freshet wrap -type UserRepo
//
// usually from a comment in the source, for go generate:
//
//	//go:generate go tool freshet wrap -type UserRepo
//	type UserRepo interface {
//		//freshet:cache name=users ttl=5m key=id
//		UserByID(ctx context.Context, id int64) (User, error)
//		//freshet:cache name=users_many ttl=5m
//		UsersByID(ctx context.Context, ids []int64) (map[int64]User, error)
//		//freshet:invalidate users key=u.ID
//		//freshet:invalidate users_many key=u.ID
//		Save(ctx context.Context, u User) error
//	}
//
// That writes userrepo_freshet.go with the type CachedUserRepo. NewCachedUserRepo(inner, store) makes one of any
// UserRepo and a tiered.Store. The file needs nothing of this command.
//
// # What is cached
//
//	//freshet:cache name=NAME [ttl=DURATION] [key=PARAMETER,...]
//
// The method takes a context.Context and returns a value and an error. It gets a cache called NAME, which is the first
// segment of its keys, and the field NameCache of the generated type. Without a ttl the strategy of the store for NAME
// holds, else five minutes. The key is all parameters but the context, in the order in which key names them: they are the
// segments that a prefix invalidates. A key may be made of fields of a parameter, as key=q.User,q.Page: the method must
// then depend on nothing else of q, because callers with the same key share one answer. A method of
// (context.Context, []K) that returns (map[K]V, error) is cached key by key, by cache.NewBatch and GetMany.
//
// # What invalidates
//
//	//freshet:invalidate NAME key=PARAMETER,...
//	//freshet:invalidate NAME prefix=PARAMETER,...
//	//freshet:invalidate NAME all
//
// The method takes a context.Context and its last result is an error; it may have several of these lines. Keys made of
// parameters go through Mutate: they are marked before the call and invalidated after it, whether it succeeded or not, so
// that a crash in between leaves nothing old; a key or a prefix behind a pointer that the call changes, as the ID of a new
// row, is invalidated too. A key behind a nil pointer is no key, and is left out; what else the method invalidates goes
// after the call then. Keys made of a named result (key=user.ID, where the method returns
// (user User, err error)), a slice of keys, prefixes and all are invalidated after the call. Where Redis could not be told
// (tiered.ErrDeferred) the call is a success all the same: the write is done, and the store tells Redis later.
//
// A method without comments is passed on. Methods of embedded interfaces count; comments on those of other packages
// cannot be seen. Generic interfaces are refused: declare an interface that embeds one instance.
//
// # Errors
//
// What is wrong is told as file:line: message, all of it at once, and nothing is written then.
package main
