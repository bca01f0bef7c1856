// A broker that is not ours, for recording what clients send and what they are answered: franz-go's
// kfake on the port given as the only argument. Run by ../record_golden.py; ends with standard input.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	cluster, err := kfake.NewCluster(kfake.Ports(port), kfake.NumBrokers(1), kfake.SeedTopics(1, "golden"))
	if err != nil {
		panic(err)
	}
	defer cluster.Close()
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}
