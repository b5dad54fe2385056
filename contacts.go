package notify

import (
	"context"
	"fmt"
	"maps"
)

// contacts asks the directory, which is the host's.
func (n *Notifier) contacts(ctx context.Context, recipients []Recipient) (contacts map[Recipient]Contact, err error) {
	err = guarded(func() (err error) {
		contacts, err = n.directory.Contacts(ctx, recipients)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("notify: directory: %w", err)
	}
	return contacts, nil
}

// maxLoneFailures is how many recipients in a row are asked about alone in vain
// before the directory counts as away.
const maxLoneFailures = 8

// contactsEach asks about many at once, and one by one if that fails: nobody
// has to suffer from somebody else whom the directory cannot tell about.
func (n *Notifier) contactsEach(ctx context.Context, recipients []Recipient) (known map[Recipient]Contact, failed map[Recipient]error) {
	known, err := n.contacts(ctx, recipients)
	if err == nil {
		return known, nil
	}
	known, failed = make(map[Recipient]Contact), make(map[Recipient]error)
	inARow := 0
	for _, r := range recipients {
		if inARow == maxLoneFailures || ctx.Err() != nil || len(recipients) == 1 {
			failed[r] = err
			continue
		}
		answer, lone := n.contacts(ctx, []Recipient{r})
		if lone != nil {
			failed[r] = lone
			inARow++
			continue
		}
		inARow = 0
		maps.Copy(known, answer)
	}
	return known, failed
}
