package main

func Example() {
	main()
	// Output:
	// 09:00, at the event:
	//   (the chat of team is -100777 from now on)
	//   to -100777: Build 1 failed
	//     In <main>, two tests & a linter.
	//     [Open] https://ci.example/1
	// 18:00, the digest:
	//   to 1001: 6 unread
	//     • Build 6 failed
	//     • Build 5 failed
	//     • Build 4 failed
	//     • Build 3 failed
	//     • Build 2 failed
	//     and 1 more: https://app.example/inbox/ann
	//     [Open the inbox] https://app.example/inbox/ann
	// Not written to any more: a chat of telegram, which is gone: telegram: refused with 403
}
