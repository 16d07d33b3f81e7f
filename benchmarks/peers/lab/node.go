package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// nodeVariable makes a process a node.
const nodeVariable = "FRESHET_PEERS_NODE"

// IsNode tells whether this process was started by StartNode: its main function must then do a node's work on its
// standard input and output, and end.
func IsNode() bool { return os.Getenv(nodeVariable) != "" }

// Node is another process of this program. It is for one goroutine.
type Node struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// StartNode starts one. It ends with ctx, or with Close.
func StartNode(ctx context.Context) (*Node, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	n := &Node{cmd: exec.CommandContext(ctx, program)}
	n.cmd.Env = append(os.Environ(), nodeVariable+"=1")
	n.cmd.Stderr = os.Stderr
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	n.out = json.NewDecoder(out)
	if n.in, err = n.cmd.StdinPipe(); err == nil {
		err = n.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("lab: node: %w", err)
	}
	return n, nil
}

// Send gives the node something to do, as JSON.
func (n *Node) Send(request any) error {
	if err := json.NewEncoder(n.in).Encode(request); err != nil {
		return fmt.Errorf("lab: node: %w", err)
	}
	return nil
}

// Receive waits for its answer, as JSON.
func (n *Node) Receive(answer any) error {
	if err := n.out.Decode(answer); err != nil {
		return fmt.Errorf("lab: node: %w", err)
	}
	return nil
}

// Close ends the node's input, at which it ends.
func (n *Node) Close() error {
	return errors.Join(n.in.Close(), n.cmd.Wait())
}
