package mobile

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bellwether-go/notify"
)

func TestCheckAddress_givesTheCanonicalForm(t *testing.T) {
	c, _ := start(t)
	for _, test := range []struct{ value, meta, want, wantMeta string }{
		{android, `{"platform":"fcm"}`, android, `{"platform":"fcm","app":"example-project"}`},
		{android, `{ "app":"example-project", "os":"Android 17", "platform":"fcm" }`, android, `{"platform":"fcm","app":"example-project"}`},
		{strings.ToUpper(iPhone), `{"platform":"apns"}`, iPhone, `{"platform":"apns","app":"com.example.app"}`},
		{iPhone, `{"platform":"apns","environment":"sandbox","app":"com.example.app"}`, iPhone, `{"platform":"apns","app":"com.example.app","environment":"sandbox"}`},
	} {
		got, err := c.CheckAddress(notify.Address{Channel: notify.Mobile, Value: test.value, Meta: json.RawMessage(test.meta)})
		require.NoError(t, err)
		assert.Equal(t, notify.Address{Channel: notify.Mobile, Value: test.want, Meta: json.RawMessage(test.wantMeta)}, got)
		again, err := c.CheckAddress(got)
		require.NoError(t, err)
		assert.Equal(t, got, again)
	}
}

func TestCheckAddress_namesWhatIsWrong(t *testing.T) {
	c, _ := start(t)
	for _, test := range []struct{ field, channel, value, meta string }{
		{"Address.Channel", notify.Browser, iPhone, `{"platform":"apns"}`},
		{"Address.Meta", notify.Mobile, iPhone, ``},
		{"Address.Meta", notify.Mobile, iPhone, `[]`},
		{"Address.Meta.platform", notify.Mobile, iPhone, `null`},
		{"Address.Meta.platform", notify.Mobile, iPhone, `{}`},
		{"Address.Meta.platform", notify.Mobile, iPhone, `{"platform":"wns"}`},
		{"Address.Value", notify.Mobile, "", `{"platform":"apns"}`},
		{"Address.Value", notify.Mobile, iPhone[:62], `{"platform":"apns"}`},
		{"Address.Value", notify.Mobile, iPhone + "0", `{"platform":"apns"}`},
		{"Address.Value", notify.Mobile, strings.Repeat("ab", 101), `{"platform":"apns"}`},
		{"Address.Value", notify.Mobile, iPhone[:60] + "/../", `{"platform":"apns"}`},
		{"Address.Value", notify.Mobile, iPhone[:62] + "g0", `{"platform":"apns"}`},
		{"Address.Value", notify.Mobile, "", `{"platform":"fcm"}`},
		{"Address.Value", notify.Mobile, "short", `{"platform":"fcm"}`},
		{"Address.Value", notify.Mobile, android + "\r\n", `{"platform":"fcm"}`},
		{"Address.Value", notify.Mobile, android[:30] + `"` + android[30:], `{"platform":"fcm"}`},
		{"Address.Value", notify.Mobile, strings.Repeat("a", maxFCM+1), `{"platform":"fcm"}`},
		{"Address.Meta.app", notify.Mobile, android, `{"platform":"fcm","app":"other-project"}`},
		{"Address.Meta.app", notify.Mobile, iPhone, `{"platform":"apns","app":"com.example.other"}`},
		{"Address.Meta.environment", notify.Mobile, iPhone, `{"platform":"apns","environment":"development"}`},
		{"Address.Meta.environment", notify.Mobile, android, `{"platform":"fcm","environment":"production"}`},
	} {
		_, err := c.CheckAddress(notify.Address{Channel: test.channel, Value: test.value, Meta: json.RawMessage(test.meta)})
		var bad *notify.InvalidError
		require.ErrorAs(t, err, &bad, "%s %s", test.value, test.meta)
		assert.Equal(t, test.field, bad.Field)
		if test.value != "" {
			assert.NotContains(t, err.Error(), test.value)
		}
	}
}

func TestCheckAddress_wantsTheAppWhereThereAreSeveral(t *testing.T) {
	_, s := start(t)
	c := s.channel(t, func(o *Options) { o.Apple[0].Topics = append(o.Apple[0].Topics, "com.example.other") })
	_, err := c.CheckAddress(notify.Address{Value: iPhone, Meta: json.RawMessage(`{"platform":"apns"}`)})
	var bad *notify.InvalidError
	require.ErrorAs(t, err, &bad)
	assert.Equal(t, "Address.Meta.app", bad.Field)
}

func TestDestination_isOnePerAppAndEnvironment(t *testing.T) {
	c, _ := start(t)
	for _, test := range []struct {
		device Device
		value  string
		want   string
	}{
		{Device{Platform: FCM}, android, "fcm/example-project"},
		{Device{Platform: APNs}, iPhone, "apns/com.example.app/production"},
		{Device{Platform: APNs, Environment: Production}, iPad, "apns/com.example.app/production"},
		{Device{Platform: APNs, Environment: Sandbox}, iPhone, "apns/com.example.app/sandbox"},
		{Device{}, iPhone, ""},
	} {
		assert.Equal(t, test.want, c.Destination(deliveryTo(test.value, test.device, note()).Address))
	}
}
