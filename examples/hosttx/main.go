// Hosttx sends inside the host's own transaction: the order and the
// notification about it are committed together, or neither is.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/bellwether-go/notify"
	"github.com/bellwether-go/notify/store/sqlite"
	_ "modernc.org/sqlite"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, out io.Writer) error {
	folder, err := os.MkdirTemp("", "hosttx")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	//snippet:start open
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "app.db")+"?_txlock=immediate"+
		"&_pragma=busy_timeout(5000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4) // else all but two are opened anew each time
	//snippet:start migrate
	if err := sqlite.Migrate(ctx, db, nil); err != nil {
		return err
	}
	//snippet:end migrate
	store, err := sqlite.New(db, nil)
	if err != nil {
		return err
	}
	center, err := notify.New(store, nil)
	//snippet:end open
	if err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE orders (id INTEGER PRIMARY KEY, buyer TEXT NOT NULL)`); err != nil {
		return err
	}

	shop := shop{db: db, store: store, center: center}
	if err := shop.placeOrder(ctx, 1, "ann", true); err != nil {
		return err
	}
	if err := shop.placeOrder(ctx, 2, "ann", false); !errors.Is(err, errNoStock) {
		return fmt.Errorf("the second order must fail for want of stock: %w", err)
	}
	return shop.report(ctx, out, notify.User("ann"))
}

var errNoStock = errors.New("out of stock")

type shop struct {
	db     *sql.DB
	store  *sqlite.Store
	center *notify.Notifier
}

//snippet:start place

// placeOrder writes the order and sends the notification in one transaction.
func (s shop) placeOrder(ctx context.Context, id int, buyer string, inStock bool) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	if _, err := tx.ExecContext(ctx, `INSERT INTO orders (id, buyer) VALUES (?, ?)`, id, buyer); err != nil {
		return err
	}
	if _, err := s.center.SendTx(ctx, s.store.Tx(tx), notify.Notification{
		Provider: "shop",
		To:       []notify.Recipient{notify.User(buyer)},
		Title:    fmt.Sprintf("Order %d is placed", id),
		Key:      fmt.Sprintf("order/%d/placed", id),
	}); err != nil {
		return err
	}
	if !inStock {
		return errNoStock // rolls both back
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.center.Wake() // a running Notifier need not wait for its next poll
	return nil
}

//snippet:end place

// report files what was committed and shows both sides.
func (s shop) report(ctx context.Context, out io.Writer, buyer notify.Recipient) error {
	if err := s.center.Drain(ctx); err != nil {
		return err
	}
	var orders int
	if err := s.db.QueryRowContext(ctx, `SELECT count(*) FROM orders`).Scan(&orders); err != nil {
		return err
	}
	page, err := s.center.Inbox(buyer).Page(ctx, notify.Query{})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "orders: %d, notifications: %d\n", orders, len(page.Items))
	for _, item := range page.Items {
		fmt.Fprintln(out, "-", item.Notification.Title)
	}
	return nil
}
