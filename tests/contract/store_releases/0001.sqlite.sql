BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE batches (
	id TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	size BIGINT NOT NULL, 
	CONSTRAINT pk_batches PRIMARY KEY (id)
);
INSERT INTO "batches" VALUES('L1','mss','2026-03-11T09:05:00.000000+00:00','tick',1,1000);
CREATE TABLE dispatches (
	id TEXT NOT NULL, 
	report_id TEXT NOT NULL, 
	chain TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	recipient_key TEXT NOT NULL, 
	role TEXT NOT NULL, 
	label TEXT NOT NULL, 
	recipient_id TEXT NOT NULL, 
	recipient_id_type TEXT NOT NULL, 
	address TEXT NOT NULL, 
	domain TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	format TEXT NOT NULL, 
	envelope TEXT NOT NULL, 
	certificate TEXT NOT NULL, 
	signer TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	envid TEXT NOT NULL, 
	sealed_sha256 TEXT NOT NULL, 
	sealed_bytes BIGINT NOT NULL, 
	lane SMALLINT NOT NULL, 
	batch_id TEXT NOT NULL, 
	attempts INTEGER NOT NULL, 
	created_at TEXT NOT NULL, 
	due_at TEXT, 
	sent_at TEXT, 
	delivered_at TEXT, 
	read_at TEXT, 
	submitting_since TEXT, 
	lease_owner TEXT NOT NULL, 
	lease_until TEXT, 
	fence BIGINT NOT NULL, 
	hold_code TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	reply TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	search TEXT NOT NULL, 
	CONSTRAINT pk_dispatches PRIMARY KEY (id), 
	CONSTRAINT fk_dispatches_report_id_reports FOREIGN KEY(report_id) REFERENCES reports (id)
);
INSERT INTO "dispatches" VALUES('D3','C2','chaine1',1,'sent','RPPS:10001234567','prescriber','Dr Hélène Œillet','10001234567','RPPS','helene.oeillet@dest.test','dest.test','mss','','','','','<m3@labo.test>','env3','',1000,1,'',1,'2026-03-11T09:00:00.003000+00:00',NULL,'2026-03-11T09:00:00.000000+00:00',NULL,NULL,NULL,'',NULL,1,'','','250 2.0.0 accepté','{"n":1,"trace":[{"rule":"rpps","text":"Trouvé dans l''annuaire"}]}','dr helene œillet
helene.oeillet@dest.test
10001234567');
INSERT INTO "dispatches" VALUES('D4','C2','chaine1',1,'unknown','RPPS:2','prescriber','Dr Paul Durand','10001234567','RPPS','helene.oeillet@dest.test','dest.test','mss','','','','','<m4@labo.test>','env4','',1000,1,'',0,'2026-03-11T09:00:00.004000+00:00',NULL,NULL,NULL,NULL,NULL,'',NULL,1,'','Le programme s''est arrêté pendant la remise : accepté ou non par l''opérateur, impossible à dire d''ici. Un accusé le dira ; sinon, trancher à la main (rejouer ou clore).','','{"n":1,"trace":[{"rule":"rpps","text":"Trouvé dans l''annuaire"}]}','dr paul durand
helene.oeillet@dest.test
10001234567');
INSERT INTO "dispatches" VALUES('D7','C5','chain6',1,'queued','RPPS:10001234567','prescriber','Dr Hélène Œillet','10001234567','RPPS','helene.oeillet@dest.test','dest.test','mss','','','','','<m7@labo.test>','env7','',1000,1,'',0,'2026-03-11T09:05:00.007000+00:00',NULL,NULL,NULL,NULL,NULL,'',NULL,0,'','','','{"n":1,"trace":[{"rule":"rpps","text":"Trouvé dans l''annuaire"}]}','dr helene œillet
helene.oeillet@dest.test
10001234567');
CREATE TABLE files (
	id TEXT NOT NULL, 
	source TEXT NOT NULL, 
	names BLOB NOT NULL, 
	names_key TEXT NOT NULL, 
	path_hash TEXT NOT NULL, 
	size BIGINT NOT NULL, 
	mtime_ns BIGINT NOT NULL, 
	sha256 TEXT NOT NULL, 
	state TEXT NOT NULL, 
	received_at TEXT NOT NULL, 
	format TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	duplicate_of TEXT NOT NULL, 
	removed BOOLEAN NOT NULL, 
	returns INTEGER NOT NULL, 
	lease_owner TEXT NOT NULL, 
	lease_until TEXT, 
	CONSTRAINT pk_files PRIMARY KEY (id)
);
INSERT INTO "files" VALUES('F1','sil',X'01FE7FD86BF9C3FB04C5A0B8BCEE555B4DE27034FD1208F1D88B7A9DCA5473C67449DA6BD46370FEB152974C1527142ED159463D57EDFECB3B68BD953A9CAAE7AE','k2','eb0a6ba92e1df5a5f78dc74f0b038a50d82ad84829ff6fb7505ecaa17e4f5fc7',100,1700000000123456789,'0000000000000000000000000000000000000000000000000000000000000001','done','2026-03-11T09:00:00.001000+00:00','','','',1,0,'',NULL);
INSERT INTO "files" VALUES('F6','sil',X'0122D2C21B635C2816146EDDEC8CCB2CAAEB1462C38561B6E020069B370189C206517559207C3C76B4A0FF573DD59296D488C4AD71506661FC587752925C80C0BC897EFAFB86C4732C4FA35447072A87E8D91B','k2','215da7ccdefb893be883d461dd7b77d97c258df4754065e6fe63ee165ddbf882',100,1700000000123456789,'0000000000000000000000000000000000000000000000000000000000000006','received','2026-03-11T09:05:00.006000+00:00','','','',0,0,'',NULL);
CREATE TABLE gaps (
	id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	source TEXT NOT NULL, 
	code TEXT NOT NULL, 
	label TEXT NOT NULL, 
	unit TEXT NOT NULL, 
	specimen TEXT NOT NULL, 
	text TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	count BIGINT NOT NULL, 
	first_at TEXT NOT NULL, 
	last_at TEXT NOT NULL, 
	CONSTRAINT pk_gaps PRIMARY KEY (id)
);
INSERT INTO "gaps" VALUES('4ab290e7aafd8470e6e795d2e00c601d5aed3f4ef1f89a70d0ef64a6d5cb9d0a','code','sil','GLU','Glycémie','','','','',1,'2026-03-11T09:05:00.000000+00:00','2026-03-11T09:05:00.000000+00:00');
CREATE TABLE journal (
	number BIGINT NOT NULL, 
	at TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	event TEXT NOT NULL, 
	actor TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_journal PRIMARY KEY (number)
);
INSERT INTO "journal" VALUES(1,'2026-03-11T09:00:00.000000+00:00','F1','file.read','daemon','{"duplicate_of":"","reason":"","sha256":"0000000000000000000000000000000000000000000000000000000000000001","size":100,"source":"sil"}','0000000000000000000000000000000000000000000000000000000000000000','6963e28d9ab93d8ef18088c5fa292ab378c6e98ee42020437dea2805db4a0aca');
INSERT INTO "journal" VALUES(2,'2026-03-11T09:00:00.000000+00:00','F1','file.done','daemon','{"from":"read","reason":""}','6963e28d9ab93d8ef18088c5fa292ab378c6e98ee42020437dea2805db4a0aca','cc855bec8f8971d869a241c06de9fdb9e171f81bef43bf820e60290734307c5f');
INSERT INTO "journal" VALUES(3,'2026-03-11T09:00:00.000000+00:00','C2','report.added','daemon','{"chain":"chaine1","document_id":"doc2","file_id":"F1","fingerprint":"print2","replaces":"","status":"final","version":1}','cc855bec8f8971d869a241c06de9fdb9e171f81bef43bf820e60290734307c5f','5c476e5f855ffc1fdd980008b434b527c57636b84eeac8e0a3364288caafeb1e');
INSERT INTO "journal" VALUES(4,'2026-03-11T09:00:00.000000+00:00','D3','dispatch.added','daemon','{"address":"helene.oeillet@dest.test","channel":"mss","envid":"env3","lane":"routine","message_id":"<m3@labo.test>","recipient_id":"10001234567","report_id":"C2","state":"queued","version":1}','5c476e5f855ffc1fdd980008b434b527c57636b84eeac8e0a3364288caafeb1e','2ad1d05e5733693200c3b93f4c6e398af05efc7934e0474e50650e37f5ea9bf5');
INSERT INTO "journal" VALUES(5,'2026-03-11T09:00:00.000000+00:00','D4','dispatch.added','daemon','{"address":"helene.oeillet@dest.test","channel":"mss","envid":"env4","lane":"routine","message_id":"<m4@labo.test>","recipient_id":"10001234567","report_id":"C2","state":"queued","version":1}','2ad1d05e5733693200c3b93f4c6e398af05efc7934e0474e50650e37f5ea9bf5','0e9774efb4097d90da0e67be8fa5f208bd4cb0a7b6c867923efbf812f49f0998');
INSERT INTO "journal" VALUES(6,'2026-03-11T09:00:00.000000+00:00','D3','dispatch.sending','daemon','{"fence":1,"owner":"w1"}','0e9774efb4097d90da0e67be8fa5f208bd4cb0a7b6c867923efbf812f49f0998','7954ebf3c5586e1eaae983222cf3d6f9ed33a84a0d283fcbd22a99b23f65a2d9');
INSERT INTO "journal" VALUES(7,'2026-03-11T09:00:00.000000+00:00','D4','dispatch.sending','daemon','{"fence":1,"owner":"w1"}','7954ebf3c5586e1eaae983222cf3d6f9ed33a84a0d283fcbd22a99b23f65a2d9','36042ea1167f4a40a418c18865c60315a62a3c9667c3cbc982dad7818c93f476');
INSERT INTO "journal" VALUES(8,'2026-03-11T09:00:00.000000+00:00','D3','dispatch.sent','daemon','{"attempts":1,"from":"sending","reply":"250 2.0.0 accepté"}','36042ea1167f4a40a418c18865c60315a62a3c9667c3cbc982dad7818c93f476','dac0dac5ad4208396ff98a4dd20c93c910fae25242ce20e78f89b600f9d29b3b');
INSERT INTO "journal" VALUES(9,'2026-03-11T09:00:00.000000+00:00','D3','receipt.smtp','daemon','{"action":"","code":"","digest":"aa","note":"","receipt":"R1","status":"2.0.0"}','dac0dac5ad4208396ff98a4dd20c93c910fae25242ce20e78f89b600f9d29b3b','7d795111a0c4caa2affe7913a7d919677421e7897f30d0620fdb825a5fbf6e77');
INSERT INTO "journal" VALUES(10,'2026-03-11T09:05:00.000000+00:00','D4','dispatch.lease-expired','daemon','{"from":"sending","owner":"w1","reason":"Le programme s''est arrêté pendant la remise : accepté ou non par l''opérateur, impossible à dire d''ici. Un accusé le dira ; sinon, trancher à la main (rejouer ou clore).","returns":0,"to":"unknown"}','7d795111a0c4caa2affe7913a7d919677421e7897f30d0620fdb825a5fbf6e77','9b7a934378ee572f750dde540e524401202341e2d460866d06ddef2f937d4d55');
INSERT INTO "journal" VALUES(11,'2026-03-11T09:05:00.000000+00:00','F6','file.received','daemon','{"duplicate_of":"","reason":"","sha256":"0000000000000000000000000000000000000000000000000000000000000006","size":100,"source":"sil"}','9b7a934378ee572f750dde540e524401202341e2d460866d06ddef2f937d4d55','e29e6c44307a5f8e30fc17dadab8ce2b0e54ea721f5741b4c1cf0514caad7ca2');
INSERT INTO "journal" VALUES(12,'2026-03-11T09:05:00.000000+00:00','C5','report.added','daemon','{"chain":"chain6","document_id":"doc6","file_id":"F6","fingerprint":"print6","replaces":"","status":"final","version":1}','e29e6c44307a5f8e30fc17dadab8ce2b0e54ea721f5741b4c1cf0514caad7ca2','ca88a1bea5c674316b8ee9806cfe87da5c886be3ff2cb3c7b01b077ad58a9d85');
INSERT INTO "journal" VALUES(13,'2026-03-11T09:05:00.000000+00:00','D7','dispatch.added','daemon','{"address":"helene.oeillet@dest.test","channel":"mss","envid":"env7","lane":"routine","message_id":"<m7@labo.test>","recipient_id":"10001234567","report_id":"C5","state":"queued","version":1}','ca88a1bea5c674316b8ee9806cfe87da5c886be3ff2cb3c7b01b077ad58a9d85','c62c64459071763ea5b385fc6edc5d25fad585404ff364c8ac1b2c9eec099974');
INSERT INTO "journal" VALUES(14,'2026-03-11T09:05:00.000000+00:00','L1','batch.made','daemon','{"channel":"mss","count":1,"reason":"tick","size":1000}','c62c64459071763ea5b385fc6edc5d25fad585404ff364c8ac1b2c9eec099974','f62f3594fc31ffa44ac74c8ccbc78ded909e0254b73482381770d5932257f555');
INSERT INTO "journal" VALUES(15,'2026-03-11T09:05:00.000000+00:00','reference:allowed-domains','reference.accepted','daemon','{"sha256":"a0cd8dbbd84282c585ecd6a809c631f117294f81cf50ad0c4e279e98d573811f","size":7,"version":"2026-03-01"}','f62f3594fc31ffa44ac74c8ccbc78ded909e0254b73482381770d5932257f555','77883c33d6cf3358d611f001a9ed9eed223b0e1f17230d263b46a91d089353ac');
CREATE TABLE journal_head (
	id SMALLINT NOT NULL, 
	number BIGINT NOT NULL, 
	digest TEXT NOT NULL, 
	CONSTRAINT pk_journal_head PRIMARY KEY (id), 
	CONSTRAINT ck_journal_head_one_row CHECK (id = 1)
);
INSERT INTO "journal_head" VALUES(1,15,'77883c33d6cf3358d611f001a9ed9eed223b0e1f17230d263b46a91d089353ac');
CREATE TABLE pace (
	scope TEXT NOT NULL, 
	tokens DOUBLE, 
	updated TEXT, 
	paused BOOLEAN NOT NULL, 
	paused_until TEXT, 
	pause_reason TEXT NOT NULL, 
	CONSTRAINT pk_pace PRIMARY KEY (scope)
);
INSERT INTO "pace" VALUES('channel:autre',NULL,NULL,1,NULL,'Mot de passe refusé');
INSERT INTO "pace" VALUES('channel:mss',14.0,'2026-03-11T09:05:00.000000+00:00',0,NULL,'');
CREATE TABLE payloads (
	owner TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name BLOB, 
	key_id TEXT NOT NULL, 
	packed BOOLEAN NOT NULL, 
	size BIGINT NOT NULL, 
	content BLOB NOT NULL, 
	CONSTRAINT pk_payloads PRIMARY KEY (owner, kind)
);
INSERT INTO "payloads" VALUES('F1','original',NULL,'k2',1,450,X'01D5302ED3F4639F5414BEEC5F5F401BE048B6AC41FEE7F51D51CB1F3AC748CE351353140566E810662275A744E225A186F53AFD');
INSERT INTO "payloads" VALUES('F1','sibling:bcdc5477d962bc4785bca03760ba05e7a99c1e3f738c0f275d7555011a457408',X'01B5D3E3FDE9AA06624B107E5A2E5BA1C7B7EF16831FCF711794737D60BB419C9E800884963CBC170B','k2',0,4,X'01860A457BC6392C50A911160CA6D2DDB8E77F0C07E16B34065E571C19D95C9740');
CREATE TABLE receipts (
	id TEXT NOT NULL, 
	dispatch_id TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	action TEXT NOT NULL, 
	status TEXT NOT NULL, 
	code TEXT NOT NULL, 
	at TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_receipts PRIMARY KEY (id)
);
INSERT INTO "receipts" VALUES('R1','D3','smtp','','2.0.0','','2026-03-11T09:00:00.000000+00:00','aa','','');
CREATE TABLE reference (
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	version TEXT NOT NULL, 
	content BLOB NOT NULL, 
	accepted_at TEXT NOT NULL, 
	CONSTRAINT pk_reference PRIMARY KEY (number), 
	CONSTRAINT uq_reference_kind_version UNIQUE (kind, version)
);
INSERT INTO "reference" VALUES(1,'allowed-domains','2026-03-01',X'3C6C6973742F3E','2026-03-11T09:05:00.000000+00:00');
CREATE TABLE reports (
	id TEXT NOT NULL, 
	file_id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	chain TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	fingerprint TEXT NOT NULL, 
	document_id TEXT NOT NULL, 
	set_id TEXT NOT NULL, 
	replaces TEXT NOT NULL, 
	status TEXT NOT NULL, 
	order_filler TEXT NOT NULL, 
	order_placer TEXT NOT NULL, 
	laboratory TEXT NOT NULL, 
	patient_hash TEXT NOT NULL, 
	reported_at TEXT NOT NULL, 
	created_at TEXT NOT NULL, 
	superseded BOOLEAN NOT NULL, 
	CONSTRAINT pk_reports PRIMARY KEY (id), 
	CONSTRAINT fk_reports_file_id_files FOREIGN KEY(file_id) REFERENCES files (id), 
	CONSTRAINT uq_reports_chain_version UNIQUE (chain, version), 
	CONSTRAINT uq_reports_file_id_position UNIQUE (file_id, position)
);
INSERT INTO "reports" VALUES('C2','F1',0,'chaine1',1,'print2','doc2','set','','final','LAB-1','','','','','2026-03-11T09:00:00.000000+00:00',0);
INSERT INTO "reports" VALUES('C5','F6',0,'chain6',1,'print6','doc6','set','','final','','','','','','2026-03-11T09:05:00.000000+00:00',0);
CREATE INDEX ix_files_bytes ON files (source, sha256);
CREATE INDEX ix_files_place ON files (source, path_hash);
CREATE INDEX ix_files_state ON files (state, received_at, id);
CREATE INDEX ix_files_to_remove ON files (source) WHERE removed = 0;
CREATE UNIQUE INDEX uq_files_waiting ON files (source, path_hash) WHERE state = 'waiting';
CREATE INDEX ix_reports_order_filler ON reports (order_filler);
CREATE INDEX ix_reports_order_placer ON reports (order_placer);
CREATE INDEX ix_dispatches_batch ON dispatches (batch_id);
CREATE INDEX ix_dispatches_chain ON dispatches (chain, recipient_key, version);
CREATE INDEX ix_dispatches_due ON dispatches (channel, lane, created_at, id) WHERE state IN ('queued', 'deferred');
CREATE INDEX ix_dispatches_envid ON dispatches (envid) WHERE envid <> '';
CREATE INDEX ix_dispatches_leased ON dispatches (lease_owner) WHERE state = 'sending';
CREATE INDEX ix_dispatches_ready ON dispatches (channel, lane, created_at, id) WHERE state = 'ready';
CREATE INDEX ix_dispatches_report ON dispatches (report_id);
CREATE INDEX ix_dispatches_state ON dispatches (state, created_at, id, channel);
CREATE UNIQUE INDEX uq_dispatches_message_id ON dispatches (message_id) WHERE message_id <> '';
CREATE INDEX ix_batches_channel ON batches (channel, created_at);
CREATE INDEX ix_receipts_dispatch ON receipts (dispatch_id, at);
CREATE UNIQUE INDEX uq_receipts_digest ON receipts (dispatch_id, digest) WHERE digest <> '';
CREATE INDEX ix_journal_subject ON journal (subject, number);
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal only grows'); END;
COMMIT;
