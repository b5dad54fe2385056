package sqlstore

// hot are the statements of writes that are prepared when a store is opened.
// The others are rare enough to be parsed each time.
var hot = []string{
	insertNotifications, selectKeys, selectTombstones,
	insertItems, insertEntries, insertTasks, deleteItems, moveItems, selectSlots, selectPlaced, selectFirstPlaced,
	selectTasks, deleteTasks, leaseTasks, renewTasks, selectExpired, insertDeliveries,
	factsOnly, selectProfiles,
	selectFiled, moveProgress, forgetRecipients, addressSucceeded,
	selectPlaces,
	selectPlans, countPending, selectUnsent, bindEntries, updatePlans, selectPutOff, deleteBound,
}
