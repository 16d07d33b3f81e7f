// Package proxy is what stands between a node and Redis. A node opens each connection with a line that names the server;
// the proxy passes everything on, and knows the connections that subscribe (the link) from the others (data): it can cut
// or silence either, and lose, delay and repeat the messages of the link.
package proxy
