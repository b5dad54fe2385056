package notifyhttp

import (
	"strconv"

	"github.com/bellwether-go/notify"
)

// appendEvent appends the event of a change. JSON has no line breaks, and an id
// is a cursor of ours, so that nothing can end a line too early.
func (s *streamer) appendEvent(text []byte, change *notify.Change) []byte {
	switch {
	case !s.greeted:
		s.greeted = true
		text = appendHead(append(text, "retry: 3000\n\n"...), "hello", change.Cursor)
		text = appendCounts(append(text, '{'), change.Counts)
		text = append(append(append(text, `,"cursor":"`...), change.Cursor...), `","version":`...)
		text = strconv.AppendInt(text, s.version, 10)
	case change.Kind == notify.ChangeTransient:
		text = append(appendHead(text, "transient", ""), `{"item":`...)
		text = append(text, s.popUps.text(&change.Item, s.provider(change.Item.Notification.Provider))...)
		text = appendCounts(append(text, ','), change.Counts)
	case change.Kind == notify.ChangeItem:
		text = append(appendHead(text, "notification", change.Cursor), `{"item":`...)
		text = append(text, itemText(&change.Item, s.provider(change.Item.Notification.Provider))...)
		text = appendCounts(append(text, ','), change.Counts)
	default:
		text = s.appendPreferences(text)
		text = appendCounts(append(appendHead(text, "resync", change.Cursor), '{'), change.Counts)
	}
	return append(text, "}\n\n"...)
}

// appendPreferences appends an event if the preferences are others than the
// client knows.
func (s *streamer) appendPreferences(text []byte) []byte {
	p, err := s.n.Preferences(s.ctx(), s.recipient)
	if err != nil || p.Version == s.version {
		return text
	}
	s.version = p.Version
	text = append(appendHead(text, "preferences", ""), `{"version":`...)
	return append(strconv.AppendInt(text, s.version, 10), "}\n\n"...)
}

func appendHead(text []byte, name, id string) []byte {
	text = append(append(text, "event: "...), name...)
	if id != "" {
		text = append(append(text, "\nid: "...), id...)
	}
	return append(text, "\ndata: "...)
}

// appendCounts is what encoding/json makes of counts, without its cost for each
// reader of each event.
func appendCounts(text []byte, counts notify.Counts) []byte {
	text = strconv.AppendInt(append(text, `"counts":{"unread":`...), int64(counts.Unread), 10)
	text = strconv.AppendInt(append(text, `,"unseen":`...), int64(counts.Unseen), 10)
	if counts.AtLeast {
		text = append(text, `,"at_least":true`...)
	}
	return append(text, '}')
}

// provider is how a provider is shown. Titles are worth one question to the
// catalog for each stream, not one for each item.
func (s *streamer) provider(id string) providerJSON {
	for _, p := range s.shown {
		if p.Key == id {
			return p
		}
	}
	known, err := s.catalog()
	shown := known.provider(id)
	if err == nil {
		s.shown = append(s.shown, shown)
	}
	return shown // after an error the id will do
}
