// Bench measures the library against hand-written code that stores the same
// rows. Candidates take turns within a round, and what counts is the median of
// the ratios of the same round: absolute numbers say more about the machine
// and its neighbours than about the code.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 5, "rounds; each runs every candidate once")
	slice := flag.Duration("slice", time.Second, "how long a candidate runs in a round")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *rounds, *slice); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer, rounds int, slice time.Duration) error {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	fmt.Fprintln(out, "| case | hand-written, per second | notify, per second | ratio | lowest .. highest |")
	fmt.Fprintln(out, "|---|---|---|---|---|")
	for _, c := range cases {
		result, err := measure(ctx, c, folder, rounds, slice)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		fmt.Fprintln(out, result)
	}
	return nil
}
