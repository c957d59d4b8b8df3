import Model

let orders = PartitionID(.orders, 0)
let stock = PartitionID(.stock, 1)
let payments = PartitionID(.payments, 3)
