-- The loss of every epoch of a learner that has epochs. Some stores of version 1 have this table already.

CREATE TABLE IF NOT EXISTS losses (model_id BIGINT NOT NULL, epoch INTEGER NOT NULL, loss DOUBLE NOT NULL);
